import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { acme, runLethe } from "#test";

/** Outside of a checkout, and without a database. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lethe-new-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const FLAGS = ["--scheme", "github", "--topic", "header:x-topic"];
const make = (args: readonly string[], settings: Record<string, string> = {}) =>
  runLethe(
    ["connector", "new", ...args],
    { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none", ...settings },
    "",
    folder,
  );

/** As an author has it who installed Lethe: its kit, by its name. */
function install(): void {
  const installed = join(folder, "node_modules/lethe");
  mkdirSync(installed, { recursive: true });
  writeFileSync(
    join(installed, "package.json"),
    '{ "name": "lethe", "type": "module", "exports": { "./kit": "./kit.js" } }',
  );
  writeFileSync(join(installed, "kit.js"), `export * from ${JSON.stringify(resolve("src/kit/index.ts"))};`);
}

describe("lethe connector new", () => {
  test("tests what it wrote, and says with how many checks", async () => {
    install();
    const made = await make(["loyal", ...FLAGS, "--id", "header:x-id"]);
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(made.out).toMatch(/It passes all \d\d checks of its tests\./);
    expect(made.out).not.toContain("count as one");
    const { result } = (await make(["other", ...FLAGS, "--json"])).json<{ result: object }>();
    expect(result).toMatchObject({ ok: true, failed: [] });
  });

  test("does not say that it passes where the kit cannot be imported, but what is missing", async () => {
    const made = await make(["loyal", ...FLAGS]);
    expect(made.code).toBe(0);
    expect(made.out).not.toContain("passes");
    expect(made.out).toMatch(/It could not be tested: .*cannot be imported.*'lethe'/);
    expect(made.out).toContain("install Lethe there");
  });

  test("says what it means that nothing tells deliveries apart", async () => {
    install();
    const made = await make(["loyal", ...FLAGS, "--id", "none"]);
    expect(made.out).toContain("two requests with the same body count as one");
  });

  test.each<[string, string, RegExp, string[]]>([
    ["of a connector that Lethe ships", "stripe", /"stripe" already, in .*connectors\/stripe/, []],
    ["of a connector of LETHE_CONNECTORS", "acme", /"acme" already, in .*elsewhere/, ["elsewhere"]],
    ["of a folder with something in it", "mine", /mine exists already/, ["mine"]],
    ["that can be none", "No Name", /cannot be a connector's name/, []],
  ])("refuses a name %s before it asks for anything else", async (_, name, message, folders) => {
    for (const one of folders) acme(join(folder, one));
    const before = readdirSync(folder);
    // Without a scheme, which would have been asked for or missed.
    const refused = await make(
      [name],
      folders.includes("elsewhere") ? { LETHE_CONNECTORS: "./elsewhere" } : {},
    );
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(message);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("writes into a folder in which only a repository is", async () => {
    mkdirSync(join(folder, "mine/.git"), { recursive: true });
    expect((await make(["loyal", "--dir", "mine", ...FLAGS])).code).toBe(0);
    expect(existsSync(join(folder, "mine/index.ts"))).toBe(true);
    expect((await make(["loyal", "--dir", "", ...FLAGS])).err).toContain("--dir: it cannot be empty");
  });
});
