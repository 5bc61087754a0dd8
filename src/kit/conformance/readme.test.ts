import { describe, expect, test } from "vitest";
import { hmac } from "../signature/index.ts";
import { acme, failing, fixture } from "./acme.ts";
import { topicsTable, writeTopics } from "./index.ts";

const connector = acme(hmac({ header: "x-signature", algorithm: "sha256", encoding: "hex" }));
const fixtures = [fixture()];
const README = "# Acme\n\n<!-- topics -->\nold\n<!-- /topics -->\n\nSources: none.\n";
const CHECK = "lists its topics in its README";

describe("a README's list of topics", () => {
  test("says what each topic records, why, and what it means for consent", () => {
    expect(topicsTable(connector, fixtures).split("\n")).toEqual([
      "| Topic | Activities | Purpose | Lawful basis | Data categories | Consent, rights |",
      "| --- | --- | --- | --- | --- | --- |",
      "| `created` | `customer.created` | customer_management | contract | email_address, customer_id | email_marketing granted (signup_form) |",
    ]);
  });

  test("leaves out how a consent was given where a fixture does not say it", () => {
    const given = (consent: object) =>
      topicsTable(connector, [
        fixture({ expect: { topic: "created", records: [{ type: "consent", ...consent }] } }),
      ])
        .split("\n")
        .at(-1);
    const granted = { purpose: "email_marketing", state: "granted" };
    expect(given(granted)).toMatch(/\| email_marketing granted \|$/);
    expect(given({ ...granted, nature: "snapshot" })).toMatch(/\| email_marketing granted \(reported\) \|$/);
  });

  test("is written between its two lines, and nothing else is touched", () => {
    const fresh = writeTopics(README, connector, fixtures) ?? "";
    expect(fresh).toMatch(
      /^# Acme\n\n<!-- topics -->\n\| Topic .*\|\n<!-- \/topics -->\n\nSources: none\.\n$/s,
    );
    expect(writeTopics(fresh, connector, fixtures)).toBe(fresh);
  });

  test("is found to be out of date, or missing", async () => {
    const fresh = writeTopics(README, connector, fixtures) ?? "";
    expect(await failing(connector, fixtures, fresh)).toEqual([]);
    for (const text of [README, "# Acme\n", "", fresh.replace("contract", "consent"), fresh + fresh])
      expect(await failing(connector, fixtures, text)).toEqual([CHECK]);
  });
});
