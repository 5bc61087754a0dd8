import { describe, expect, test } from "vitest";
import { RightsCaseView, type RightsKind, RightsRequestView, type SubjectView } from "#schemas";
import { at, connect, json, lethe, settled, useHub } from "./support/commands.ts";

useHub({ here: true });

/** A request of somebody whom a controller of their own knows from Shopify, whose connection has no credentials. */
async function opened(kind: RightsKind, ...more: string[]): Promise<string> {
  at.controller = (
    await json<{ id: string }>("controller", "add", "Example Ltd", "--environment", "sandbox")
  ).id;
  const shop = await connect("shopify");
  await shop.send("customers-create");
  await settled(shop.id);
  const [subject] = await json<SubjectView[]>("subjects", "list", "--controller", at.controller);
  const { request } = await json<{ request: string }>(
    ...[
      "rights",
      "open",
      "--controller",
      at.controller,
      "--kind",
      kind,
      "--subject",
      subject?.id ?? "",
      ...more,
    ],
  );
  return request;
}
const show = async (id: string) => RightsCaseView.parse(await json("rights", "show", id));
const until = (id: string, status: string) =>
  expect.poll(async () => (await show(id)).status, { timeout: 10_000 }).toBe(status);
const refused = async (code: string, ...args: string[]) => {
  const result = await lethe(...args, "--json");
  expect([result.code, result.json<{ error: { code: string } }>().error.code]).toEqual([1, code]);
};

describe("lethe rights", () => {
  test("takes a request from its record to its end, with what somebody did by hand", async () => {
    const id = await opened("erasure");
    await until(id, "verifying");
    await refused("rights/illegal-move", "rights", "approve", id);
    await refused(
      "rights/bad-note",
      "rights",
      "verify",
      id,
      "--by",
      "account",
      "--note",
      "jenny@example.com called",
    );
    await json("rights", "verify", id, "--by", "account", "--note", "signed in and asked there");
    const people = await lethe("rights", "list");
    expect(people.out).toMatch(/erasure.*gdpr.*verified.*approve or deny/);
    await json("rights", "approve", id);
    await until(id, "fulfilling");
    await expect.poll(async () => (await show(id)).waiting).toBe(1);
    expect((await lethe("rights", "show", id)).out).toMatch(
      /manual[\s\S]*no_credentials[\s\S]*lethe rights complete-task/,
    );
    await refused("rights/illegal-move", "rights", "cancel", id);
    const [task] = (await show(id)).platforms;
    await json(
      ...["rights", "complete-task", task?.id ?? "", "--outcome", "retained", "--basis", "legal_obligation"],
      ...["--until", "2036-12-31", "--note", "orders kept, the account deleted in the admin"],
    );
    await until(id, "fulfilled");
    expect((await show(id)).platforms[0]).toMatchObject({
      ...{
        status: "retained",
        reason: "by_hand",
        basis: "legal_obligation",
        until: "2036-12-31T00:00:00.000Z",
      },
      note: "orders kept, the account deleted in the admin",
    });
    await refused("rights/task-not-waiting", "rights", "retry", task?.id ?? "");
  });

  test("lists by deadline, what is late first, and says what a person has to do", async () => {
    const late = await opened("access", "--received-at", "2026-01-05T10:00:00Z");
    const soon = await opened("rectification", "--corrections", `${at.folder}/corrections.json`).catch(
      () => "",
    );
    expect(soon).toBe(""); // there is no such file: nothing was recorded
    const listed = RightsRequestView.array().parse(await json("rights", "list", "--open"));
    expect(listed[0]).toMatchObject({ id: late, overdue: true });
    expect((await lethe("rights", "list", "--open")).out).toMatch(/overdue/);
    expect(await lethe("doctor", "--json")).toMatchObject({ code: 1 }); // a deadline has passed
    await json("rights", "cancel", late, "--note", "recorded by mistake");
    expect(await json<unknown[]>("rights", "list", "--open")).toEqual([]);
  });

  test("extends once and in time, pauses where the law lets it, and tells why not", async () => {
    const id = await opened("access", "--regime", "uk_gdpr");
    await until(id, "verifying");
    expect((await show(id)).dueAt).toBeNull(); // its clock waits for proof
    await json("rights", "verify", id, "--by", "document");
    const { dueAt } = await show(id);
    await json("rights", "pause", id);
    expect(await show(id)).toMatchObject({ paused: true, dueAt: null });
    await refused("rights/no-pause", "rights", "pause", id);
    await json("rights", "resume", id);
    expect((await show(id)).dueAt).toBe(dueAt);
    await json("rights", "extend", id, "--reason", "complexity");
    expect(Date.parse((await show(id)).dueAt ?? "")).toBeGreaterThan(Date.parse(dueAt ?? ""));
    await refused("rights/no-extension", "rights", "extend", id, "--reason", "complexity");
    await json("rights", "deny", id, "--reason", "no_match");
    expect(await show(id)).toMatchObject({ status: "denied", denialReason: "no_match" });
    await expect
      .poll(async () => (await show(id)).notices.at(-1))
      .toMatchObject({
        ...{ notice: "denied", status: "nobody" },
      });
  });

  test("keeps a person's data while a hold stands, and says which", async () => {
    const id = await opened("erasure");
    await json("rights", "verify", id, "--by", "in_person");
    const { subject } = await show(id);
    await json("subjects", "hold", subject ?? "", "--ground", "legal_claims", "--reference", "LEGAL-17");
    const blocked = await lethe("rights", "approve", id);
    expect([blocked.code, blocked.err]).toEqual([1, expect.stringContaining("legal_claims, LEGAL-17")]);
    expect((await lethe("rights", "show", id)).out).toContain("LEGAL-17");
    expect(await json("subjects", "release", subject ?? "")).toMatchObject({ released: 1 });
    await json("rights", "approve", id);
  });

  test("of what is no request, no law and no zone says what to do", async () => {
    await refused("rights/unknown", "rights", "show", crypto.randomUUID());
    await refused("rights/unknown-task", "rights", "retry", crypto.randomUUID());
    await refused("rights/nobody-named", "rights", "open", "--controller", at.controller, "--kind", "access");
    await refused(
      "rights/unknown-time-zone",
      "controller",
      "update",
      at.controller,
      "--time-zone",
      "Mars/Olympus",
    );
    expect(
      await json("controller", "update", at.controller, "--time-zone", "Europe/Berlin", "--regime", "ccpa"),
    ).toMatchObject({ timeZone: "Europe/Berlin", regime: "ccpa" });
    expect(await lethe("rights", "open", "--kind", "cookies")).toMatchObject({ code: 2 });
  });
});
