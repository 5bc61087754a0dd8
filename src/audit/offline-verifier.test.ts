import { spawnSync } from "node:child_process";
import { generateKeyPairSync, hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { leafHash, TreeBuilder } from "./merkle.ts";
import { signCheckpoint, verifierKey } from "./note.ts";

const VERIFIER = fileURLToPath(new URL("./offline-verifier.mjs", import.meta.url));
const DID = "did:lethe:00";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const key = { privateKey, publicKey: publicKey.export({ format: "der", type: "spki" }).subarray(-32) };
const folder = mkdtempSync(join(tmpdir(), "lethe-offline-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the verifier says of a file, and its exit code. */
function check(text: string | Buffer, ...options: string[]) {
  const file = join(folder, "log.jsonl");
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, VERIFIER, file, "--json"], {
    encoding: "utf8",
  });
  return { code: status, text: stdout + stderr };
}

/** An event of a workflow, and whatever else the test wants in it. */
const event = (workflow: string, position: number, previous: string | null, more: object = {}) =>
  JSON.stringify({ controller: "c", position, previous, workflow, ...more });

const separate = (count: number) => Array.from({ length: count }, (_, i) => event(`w${i}`, 0, null));

/** The lines of an export of these entries, with a signed checkpoint of each of the sizes. */
function exported(entries: readonly string[], sizes: readonly number[] = [entries.length]): string[] {
  const leaves = entries.map((entry) => leafHash(Buffer.from(entry)));
  const note = (size: number) => {
    const tree = new TreeBuilder();
    for (const leaf of leaves.slice(0, size)) tree.append(leaf);
    return signCheckpoint({ origin: DID, size, root: tree.root(), time: "2026-01-01T00:00:00Z" }, key);
  };
  const lines = [
    {
      ...{ kind: "header", format: "lethe-audit-export/1", controller: "c", did: DID, origin: DID },
      ...{ keys: [verifierKey(DID, key.publicKey)], hubKeys: [] },
    },
    ...entries.map((entry, seq) => ({
      ...{ kind: "entry", seq, entry },
      leaf: Buffer.from(leaves[seq] ?? []).toString("base64"),
    })),
    ...sizes.map((size) => ({ kind: "checkpoint", note: note(size) })),
    { kind: "end", entries: entries.length, checkpoints: sizes.length },
  ];
  return lines.map((line) => JSON.stringify(line));
}

const textOf = (lines: readonly string[], end = "\n") => lines.map((line) => line + end).join("");
const edited = (lines: readonly string[], at: number, change: (line: string) => string) =>
  lines.map((line, i) => (i === at ? change(line) : line));

describe("the offline verifier reads", () => {
  const lines = exported(separate(3), [2, 3]);

  test("lines with their fields in another order, among others, or with escapes in their names", () => {
    const turned = lines.map((line) => {
      const fields: [string, unknown][] = Object.entries(JSON.parse(line));
      return JSON.stringify(Object.fromEntries([["more", { kind: "end" }], ...fields.reverse()]));
    });
    expect(check(textOf(turned))).toMatchObject({
      code: 0,
      text: expect.stringContaining('"checkpoints":2'),
    });
    const escaped = lines.map((line) =>
      line.replace("heckpoint", "\\u0068eckpoint").replace("kind", "k\\u0069nd"),
    );
    expect(check(textOf(escaped)).code).toBe(0);
  });

  test("the last of a field that is there twice, as all of JavaScript does", () => {
    const forged = separate(9)[8] ?? "";
    const first = edited(lines, 1, (line) => line.replace("{", `{"entry":${JSON.stringify(forged)},`));
    expect(check(textOf(first)).code).toBe(0);
    const last = edited(lines, 1, (line) => line.replace(/}$/, `,"entry":${JSON.stringify(forged)}}`));
    expect(check(textOf(last)).code).toBe(1);
    const kind = edited(lines, 1, (line) => line.replace(/}$/, ',"kind":"checkpoint"}'));
    expect(check(textOf(kind)).code).not.toBe(0);
    const hidden = edited(lines, 4, (line) => line.replace("{", '{"kind":"entry",'));
    expect(check(textOf(hidden)).code).toBe(0);
  });

  test("lines that end as on Windows, and a last one that does not end", () => {
    expect(check(textOf(lines, "\r\n")).code).toBe(0);
    expect(check(lines.join("\n")).code).toBe(0);
  });

  test("nothing else: no empty line, no mark of byte order, no half line, no line that is not JSON", () => {
    const incomplete = { code: 4, text: expect.stringContaining("a line of the file is not JSON") };
    expect(check(`${textOf(lines)}\n`)).toMatchObject(incomplete);
    expect(check(textOf(edited(lines, 2, (line) => `${line}\n`)))).toMatchObject(incomplete);
    expect(check(`\ufeff${textOf(lines)}`)).toMatchObject(incomplete);
    expect(check(textOf(lines).slice(0, -3))).toMatchObject(incomplete);
    expect(check(textOf(lines).replaceAll("\n", "\r"))).toMatchObject(incomplete);
    expect(check("")).toMatchObject({ code: 4, text: expect.stringContaining("cut off before its end") });
  });

  test("an entry that is no text as none", () => {
    const list = edited(lines, 1, (line) => {
      const { entry, ...rest } = JSON.parse(line);
      return JSON.stringify({ ...rest, entry: [entry] });
    });
    expect(check(textOf(list))).toMatchObject({ code: 4, text: expect.stringContaining("not a text") });
  });

  test("characters of many bytes wherever they stand, and finds when one of their bytes is another", () => {
    // Longer than what is read at a time, of three bytes each: some are cut by any reading in pieces.
    for (const length of [30_000, 30_001, 30_002, 100_000]) {
      const entries = [...separate(2), event("long", 0, null, { entity: `${"€".repeat(length)}\u2028🜁` })];
      expect(check(textOf(exported(entries))).code).toBe(0);
    }
    const bytes = Buffer.from(textOf(exported([event("w", 0, null, { entity: "Zoë" })])));
    bytes[bytes.indexOf("ë")] = 0xff;
    expect(check(bytes)).toMatchObject({ code: 1, text: expect.stringContaining("entry 0") });
  });

  test("the same without the one-shot hash, which Node.js before 20.12 does not have", () => {
    const without = `import c from "node:crypto";import m from "node:module";c.hash=undefined;m.syncBuiltinESMExports()`;
    const asOlder = ["--import", `data:text/javascript,${encodeURIComponent(without)}`];
    expect(check(textOf(lines), ...asOlder).code).toBe(0);
    expect(check(textOf(edited(lines, 1, (line) => line.replace("w0", "w9"))), ...asOlder).code).toBe(1);
  });
});

describe("the offline verifier finds", () => {
  test("every size's root, in whatever order checkpoints come, and none but the right one", () => {
    const sizes = Array.from({ length: 34 }, (_, size) => size);
    expect(check(textOf(exported(separate(33), [...sizes].reverse()))).code).toBe(0);
    const lines = exported(separate(33), sizes);
    for (const size of [1, 7, 8, 32]) {
      const root = Buffer.alloc(32).fill(size);
      const wrong = signCheckpoint({ origin: DID, size, root, time: "2026-01-01T00:00:00Z" }, key);
      const forged = edited(lines, 34 + size, () => JSON.stringify({ kind: "checkpoint", note: wrong }));
      expect(check(textOf(forged))).toMatchObject({
        code: 1,
        text: expect.stringContaining(`first ${size} `),
      });
    }
  });

  test("a signed size that is none, even beside the root of an empty tree", () => {
    const lines = exported(separate(3));
    for (const size of [Number.NaN, -1, 1.5]) {
      const root = hash("sha256", "", "buffer");
      const note = signCheckpoint({ origin: DID, size, root, time: "2026-01-01T00:00:00Z" }, key);
      expect(check(textOf(edited(lines, 4, () => JSON.stringify({ kind: "checkpoint", note })))).code).toBe(
        1,
      );
    }
  });

  test("a checkpoint before the entries that it covers", () => {
    const [header = "", ...rest] = exported(separate(3));
    expect(check(textOf([header, ...rest.toSpliced(3, 1), rest[3] ?? ""])).code).not.toBe(0);
    expect(check(textOf([header, rest[3] ?? "", ...rest.toSpliced(3, 1)])).code).toBe(5);
  });

  test("in a workflow whose events the log took in another order, the one that is missing, false or twice there", () => {
    const chain = [event("w", 0, null)];
    for (let i = 1; i < 4; i++) chain.push(event("w", i, hash("sha256", chain[i - 1] ?? "")));
    const [zero = "", one = "", two = "", three = ""] = chain;
    const said = (...entries: string[]) => check(textOf(exported(entries)));
    expect(said(three, one, two, zero).code).toBe(0);
    expect(said(three, one, zero)).toMatchObject({ code: 1, text: expect.stringContaining("lacks one") });
    const follow = { code: 1, text: expect.stringContaining("does not follow") };
    expect(said(three, event("w", 2, hash("sha256", zero)), one, zero)).toMatchObject(follow);
    expect(said(event("w", 2, "another"), two, one, zero)).toMatchObject(follow);
    expect(said(zero, one, one)).toMatchObject(follow);
    expect(said(zero, event("w", 1, null))).toMatchObject(follow);
  });
});
