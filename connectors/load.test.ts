import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectors, loadConnectors } from "#connectors";
import { acme, type CommandResult, runLethe } from "#test";

const root = mkdtempSync(join(tmpdir(), "lethe-connectors-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 100; // so that no name begins another

const folder = () => join(root, `platform-${folders++}`);
/** As a hub or a command loads them: in a process, by the setting. */
const list = (...names: string[]): Promise<CommandResult> =>
  runLethe(["connector", "list", "--json"], { LETHE_CONNECTORS: names.join(", ") }, "", root);
const ids = (result: CommandResult) => result.json<{ id: string }[]>().map(({ id }) => id);
const shipped = [...connectors.keys()];

test("every folder here is a connector that loads, in alphabetical order", async () => {
  const names = readdirSync("connectors", { withFileTypes: true }).filter((found) => found.isDirectory());
  expect(shipped).toEqual(names.map(({ name }) => name).sort());
  expect((await loadConnectors()).refused).toEqual([]);
});

describe("LETHE_CONNECTORS names", () => {
  test("a folder, by a path from the working directory or from the root", async () => {
    acme(join(root, "acme"));
    for (const name of ["./acme", "acme", join(root, "acme")]) {
      const result = await list(name);
      expect(result).toMatchObject({ code: 0, err: "" });
      expect(ids(result)).toEqual([...shipped, "acme"]);
    }
  });

  test("a file", async () => {
    expect(ids(await list(join(acme(folder()), "index.ts")))).toContain("acme");
  });

  test("a package that is installed in the working directory", async () => {
    const installed = join(root, "node_modules/acme-for-lethe");
    acme(installed);
    writeFileSync(
      join(installed, "package.json"),
      '{ "name": "acme-for-lethe", "type": "module", "exports": "./main.js" }',
    );
    // Types are not stripped in there, so it is built.
    writeFileSync(join(installed, "main.js"), 'export { default } from "../../acme/index.ts";');
    expect(ids(await list("acme-for-lethe"))).toContain("acme");
  });
});

describe("a connector is refused, with the reason and without its neighbours, if", () => {
  const broken = (code: string) => acme(folder(), { change: () => code });
  const changed = (from: string, to: string) =>
    acme(folder(), { change: (code) => code.replace(from, () => to) });
  const cases: [fault: string, name: string, code: string, reason: string][] = [
    ["it is not there", "./nowhere", "not-found", "./nowhere"],
    ["its syntax is wrong", broken("\n\nexport default = 1;"), "not-importable", "index.ts:3"],
    ["it has TypeScript that cannot be stripped", broken("enum A { B }"), "not-importable", "enum"],
    ["it imports what is not there", broken('import "nothing";'), "not-importable", "'nothing'"],
    ["it is taken for CommonJS", commonJs(folder()), "not-importable", '{"type": "module"}'],
    ["it throws", broken('throw new RangeError("hunter2");'), "not-importable", "it threw RangeError at"],
    ["it chokes on a secret", broken('JSON.parse("hunter2");'), "not-importable", "it threw SyntaxError at"],
    [
      "it throws no error",
      broken('throw "hunter2";'),
      "not-importable",
      "it threw something that is no error",
    ],
    ["it exports nothing", broken("export {};"), "not-a-connector", "default export"],
    ["it exports something else", broken("export default 1;"), "not-a-connector", "default export"],
    [
      "it has no signature scheme",
      changed("signature: hmac", "verify: hmac"),
      "invalid",
      "webhook.signature",
    ],
    [
      "it went round defineConnector",
      broken('export default { id: "other", webhook: {}, events: {} };'),
      "invalid",
      "webhook.signature",
    ],
    [
      "parts of it are missing",
      broken("export default { id: 'other', webhook: [{}] };"),
      "invalid",
      "missing",
    ],
    ["its id is taken", changed('id: "acme"', 'id: "stripe"'), "id-taken", '"stripe"'],
  ];
  let result: CommandResult;
  beforeAll(async () => {
    result = await list(...cases.map(([, name]) => name), acme(folder()));
  });

  test.each(cases)("%s", (_, name, code, reason) => {
    const [line, ...others] = result.err
      .split("\n")
      .filter((text) => text.startsWith("refused") && text.includes(name));
    expect(line).toContain(reason);
    expect(line).toContain(`[connector/${code}]`);
    expect(others).toEqual([]);
    expect(result.code).toBe(0);
    expect(ids(result)).toEqual([...shipped, "acme"]);
  });

  test("of what its code throws, the text is withheld: it can quote what the code had read", () => {
    expect(result.err).not.toContain("hunter2");
  });
});

describe("a connector that holds up the process", () => {
  const holding = (code: string) => acme(folder(), { change: (rest) => `${code}\n${rest}` });

  test("is refused by name after five seconds, and the others are loaded", { timeout: 60_000 }, async () => {
    const waiting = holding("await new Promise(() => {});");
    const result = await list(waiting, acme(folder()));
    expect(result.code).toBe(0);
    expect(ids(result)).toEqual([...shipped, "acme"]);
    expect(result.err.trim().split("\n")).toEqual([
      expect.stringMatching(new RegExp(`^refused connector ${waiting} cannot.*after 5 s.*not-importable`)),
    ]);
  });

  test("by ending it is named, and nobody else", async () => {
    const ending = holding("await null; process.exit(7);");
    const result = await list(acme(folder()), ending, acme(folder()));
    expect(result.code).toBe(7);
    expect(result.err).toBe(`connector ${ending} ended the process while it was imported\n`);
  });
});

function commonJs(path: string): string {
  mkdirSync(path);
  writeFileSync(join(path, "package.json"), '{ "type": "commonjs" }');
  writeFileSync(join(path, "index.ts"), 'import "node:fs";\nexport default 1;');
  return path;
}
