import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Report } from "#kit";
import { runLethe } from "#test";
import { callLethe } from "../../test/support/lethe.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A database that is not there: the command must not ask for one. */
const settings = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" };
const lethe = (...args: string[]) => callLethe(["connector", "test", ...args], settings);

/** A connector of somebody's own: WooCommerce's, in a folder by itself. */
let folder: string;
beforeEach(() => {
  mkdirSync(join(root, "coverage"), { recursive: true });
  folder = mkdtempSync(join(root, "coverage/connector-"));
  cpSync(join(root, "connectors/woocommerce"), folder, { recursive: true });
  cpSync(join(root, "fixtures/woocommerce"), join(folder, "fixtures"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("lethe connector test", () => {
  test("passes a connector that Lethe ships, by name or by path, without a database", async () => {
    for (const named of ["woocommerce", "connectors/woocommerce"]) {
      const tested = await lethe(named, "--json");
      expect(tested).toMatchObject({ code: 0, err: "" });
      expect(tested.json<Report>()).toMatchObject({ connector: "woocommerce", ok: true, updated: false });
    }
  });

  test("shows a line for each check, and how many fixtures it was made with", async () => {
    const { code, out } = await lethe(folder);
    expect(code).toBe(0);
    expect(out).toMatch(/refuses a changed body\s+│ 8 +│ ok/);
    expect(out).toMatch(/woocommerce passes all \d+ checks\./);
  });

  test("says of a check that there is nothing to try, and why, instead of leaving it out", async () => {
    const { out } = await lethe("mailchimp");
    expect(out).toMatch(/refuses a changed body\s+│ –\s+│ does not apply: nothing is signed/);
    const { checks } = (await lethe("mailchimp", "--json")).json<Report>();
    expect(checks.find(({ name }) => name === "refuses a changed body")).toMatchObject({
      ok: true,
      skipped: expect.stringContaining("nothing is signed"),
    });
  });

  test("shows what failed in full, and ends with 1", async () => {
    const file = join(folder, "fixtures/customer-deleted.http");
    writeFileSync(file, readFileSync(file, "utf8").replace('"25"', '"26"'));
    const { code, out } = await lethe(folder);
    expect(code).toBe(1);
    expect(out).toContain("customer-deleted.http: gives what the fixture expects");
    expect(out).toContain("correct what follows `=== expect` in the fixture");
    expect(out).toMatch(/- +"26"\n.*\+ +"25"/);
    expect(out).toMatch(/woocommerce fails 2 of \d+ checks\./);
  });

  test("writes the README's topics anew with --update, and says so", async () => {
    const readme = join(folder, "README.md");
    const right = readFileSync(readme, "utf8");
    writeFileSync(readme, right.replaceAll("contract", "consent"));
    const stale = await lethe(folder, "--json");
    expect(stale.code).toBe(1);
    expect(stale.json<Report>().checks.filter(({ ok }) => !ok)).toMatchObject([
      { name: "lists its topics in its README", detail: expect.stringContaining("--update") },
    ]);
    const updated = await lethe(folder, "--update");
    expect(updated.code).toBe(0);
    expect(updated.out).toContain("its topics are written anew");
    expect(readFileSync(readme, "utf8")).toBe(right);
  });

  test("of a name that is a folder here too, says which one it takes", async () => {
    cpSync(join(root, "connectors/woocommerce"), join(folder, "shopify"), { recursive: true });
    cpSync(join(root, "fixtures/woocommerce"), join(folder, "shopify/fixtures"), { recursive: true });
    const tested = await runLethe(["connector", "test", "shopify", "--json"], settings, "", folder);
    expect(tested.json<Report>()).toMatchObject({ connector: "shopify" });
    expect(tested.err).toContain(`"shopify" is the one in ${join(root, "connectors/shopify")}`);
    expect(tested.err).toContain("./shopify");
    const own = await runLethe(["connector", "test", "./shopify", "--json"], settings, "", folder);
    expect(own).toMatchObject({ err: "" });
    expect(own.json<Report>()).toMatchObject({ connector: "woocommerce" });
  });

  test("says what it needs where there is no connector", async () => {
    const nothing = await lethe("acme");
    expect(nothing.code).toBe(1);
    expect(nothing.err).toContain("[connector/not-found]");
    writeFileSync(join(folder, "index.ts"), "export const acme = 1;");
    expect((await lethe(folder)).err).toContain("defineConnector");
  });
});
