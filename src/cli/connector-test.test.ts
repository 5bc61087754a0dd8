import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Report } from "#kit";
import { runLethe } from "#test";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** A database that is not there: the command must not ask for one. */
const lethe = (...args: string[]) =>
  runLethe(["connector", "test", ...args], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });

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

  test("says what it needs where there is no connector", async () => {
    const nothing = await lethe("acme");
    expect(nothing.code).toBe(1);
    expect(nothing.err).toContain("[connector/not-found]");
    writeFileSync(join(folder, "index.ts"), "export const acme = 1;");
    expect((await lethe(folder)).err).toContain("defineConnector");
  });
});
