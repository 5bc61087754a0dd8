import { generateKeyPairSync, hash } from "node:crypto";
import { leafHash, TreeBuilder } from "../../../src/audit/merkle.ts";
import { signCheckpoint, verifierKey } from "../../../src/audit/note.ts";
import { pick } from "./attempt.ts";
import { type Exported, type Line, type Trust, textOf } from "./exported.ts";

/** A change of an exported file. */
export interface FileChange {
  readonly kind: string;
  /** Where, if that is not the kind's to say. */
  readonly place?: string;
  change(exported: Exported, random: () => number): string | Buffer;
  /** What is known from elsewhere; both keys and the first checkpoint unless told otherwise. */
  readonly trust?: (exported: Exported) => Trust;
}

type Entry = Extract<Line, { kind: "entry" }>;
type Change = (lines: readonly Line[], exported: Exported, random: () => number) => readonly object[];

const lines = (kind: string, change: Change, trust?: FileChange["trust"]): FileChange => ({
  kind: `file: ${kind}`,
  change: (exported, random) => textOf(change(exported.lines, exported, random)),
  ...(trust === undefined ? {} : { trust }),
});

const isEntry = (line: Line): line is Entry => line.kind === "entry";
const except = (kind: Line["kind"]) => (all: readonly Line[]) => all.filter((line) => line.kind !== kind);
const onlyKeys = ({ header }: Exported): Trust => ({ key: header.keys[0], hubKey: header.hubKeys[0] });

/** The end line made to fit what is there, and the numbers of the entries. */
function fitted(all: readonly Line[]): Line[] {
  let seq = 0;
  const numbered = all.map((line) => (isEntry(line) ? { ...line, seq: seq++ } : line));
  const checkpoints = all.filter(({ kind }) => kind === "checkpoint").length;
  return numbered.map((line) => (line.kind === "end" ? { ...line, entries: seq, checkpoints } : line));
}

/** An entry that says something else, and its leaf. */
function rewritten({ entry, ...line }: Entry): Entry {
  const other = entry.replace("thing:", "other:");
  return { ...line, entry: other, leaf: Buffer.from(leafHash(Buffer.from(other))).toString("base64") };
}

/** Base64 of the same 32 bytes, written otherwise: the last of 43 characters stands for four bits. */
function withSpareBits(hash: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return `${hash.slice(0, 42)}${alphabet[alphabet.indexOf(hash.charAt(42)) | 1]}=`;
}

/** A note with another character in its signature. */
const spoilt = (note: string) => `${note.slice(0, -20)}${note.at(-20) === "A" ? "B" : "A"}${note.slice(-19)}`;

function swapped<T>(all: readonly T[], first: number): T[] {
  const copy = [...all];
  copy.splice(first, 2, ...all.slice(first, first + 2).reverse());
  return copy;
}

/** Only so many entries, and only checkpoints of no more. */
const cut = (all: readonly Line[], size: number) =>
  fitted(
    all.filter(
      (line) =>
        !(isEntry(line) && line.seq >= size) &&
        !(line.kind === "checkpoint" && Number(line.note.split("\n")[1]) > size) &&
        line.kind !== "witness",
    ),
  );

const newestOf = (all: readonly Line[]) => all.findLastIndex(({ kind }) => kind === "checkpoint");
const oldestOf = (all: readonly Line[]) => all.findIndex(({ kind }) => kind === "checkpoint");
const anywhere = (all: readonly Line[], random: () => number) => Math.floor(random() * all.length);

export const FILE: readonly FileChange[] = [
  lines("a line taken out", (all, _, random) => all.toSpliced(anywhere(all.slice(1, -2), random), 1)),
  lines("a line twice", (all, _, random) =>
    all.toSpliced(1, 0, pick(random, all.slice(1)) ?? (all[0] as Line)),
  ),
  lines("two entries in each other's place", (all, _, random) =>
    swapped(all, anywhere(all.slice(0, -5), random)),
  ),
  lines("cut off", (all, _, random) => all.slice(0, anywhere(all, random))),
  lines("goes on after its end", (all) => [...all, ...all.slice(1, 2)]),
  {
    kind: "file: cut off in a line",
    change: ({ text }, random) => text.slice(0, Math.floor(random() * (text.length - 2))),
  },
  lines("an entry taken out, and the rest made to fit", (all) =>
    fitted(all.filter((line) => !isEntry(line) || line.seq !== 2)),
  ),
  lines("an entry rewritten, and its leaf", (all) =>
    all.map((line) => (isEntry(line) && line.seq === 2 ? rewritten(line) : line)),
  ),
  lines("an entry put in, and the rest made to fit", (all) =>
    fitted(all.toSpliced(3, 0, ...all.slice(2, 3))),
  ),
  lines("the newest checkpoint taken out", (all) => fitted(all.toSpliced(newestOf(all), 1))),
  lines("the newest checkpoint replaced by the oldest", (all) =>
    all.with(newestOf(all), all[oldestOf(all)] as Line),
  ),
  lines("a checkpoint of another controller", (all, { other }) =>
    all.with(newestOf(all), { kind: "checkpoint", note: other.checkpoint }),
  ),
  lines("a checkpoint of another controller put in", (all, { other }) =>
    fitted(all.toSpliced(newestOf(all), 0, { kind: "checkpoint", note: other.checkpoint })),
  ),
  lines("a character of each checkpoint's signature", (all) =>
    all.map((line) => (line.kind === "checkpoint" ? { ...line, note: spoilt(line.note) } : line)),
  ),
  lines("another DID", (all) =>
    all.map((line) => (line.kind === "header" ? { ...line, did: "did:lethe:00" } : line)),
  ),
  lines("another origin", (all) =>
    all.map((line) => (line.kind === "header" ? { ...line, origin: "did:lethe:00" } : line)),
  ),
  lines("a witness for another place", (all, _, random) =>
    all.map((line) =>
      line.kind === "witness" ? { ...line, leaf: line.leaf + 1 + Math.floor(random() * 9) } : line,
    ),
  ),
  lines("a witness's hash with its spare bits set", (all) =>
    all.map((line) =>
      line.kind === "witness" ? { ...line, proof: line.proof.map((hash) => withSpareBits(hash)) } : line,
    ),
  ),
  lines("a witness with a longer proof", (all) =>
    all.map((line) =>
      line.kind === "witness" ? { ...line, proof: [...line.proof, ...line.proof.slice(0, 1)] } : line,
    ),
  ),
  lines("a witness with a shorter proof", (all) =>
    all.map((line) => (line.kind === "witness" ? { ...line, proof: line.proof.slice(1) } : line)),
  ),
  lines("cut off before the checkpoint that is held outside", (all) => cut(all, 3)),
  lines(
    "as it is, against another controller's key",
    (all) => all,
    ({ other }) => ({ key: other.key }),
  ),
  lines(
    "as it is, against another hub's key",
    (all) => all,
    ({ other, header }) => ({ key: header.keys[0], hubKey: other.key }),
  ),
  lines(
    "as it is, against another controller's checkpoint",
    (all) => all,
    (exported) => ({ ...onlyKeys(exported), checkpoint: exported.other.checkpoint }),
  ),
  lines(
    "its keys replaced, no key from elsewhere",
    (all, { other }) => all.map((line) => (line.kind === "header" ? { ...line, keys: [other.key] } : line)),
    () => ({}),
  ),
  { kind: "file: forged whole with a key of one's own", change: forged },
  {
    kind: "file: forged whole with a key of one's own, no key from elsewhere",
    change: forged,
    trust: () => ({}),
  },
  lines("an older checkpoint taken out", (all) => fitted(all.toSpliced(oldestOf(all), 1))),
  lines("a checkpoint twice", (all) => fitted(all.toSpliced(oldestOf(all), 0, all[oldestOf(all)] as Line))),
  lines("the witness taken out", except("witness")),
  lines("cut off after the checkpoint that is held outside", (all, { kept }) =>
    cut(all, Number(kept.split("\n")[1])),
  ),
  lines("cut off at any place, no checkpoint from elsewhere", (all) => cut(all, 3), onlyKeys),
  lines("an entry put in after the newest checkpoint", (all) =>
    fitted(all.toSpliced(all.findLastIndex(isEntry) + 1, 0, later(all))),
  ),
  {
    kind: "file: the same, written otherwise",
    change: ({ text }) => text.replaceAll("\n", "\r\n").replaceAll('{"kind"', '{ "more": 1, "kind"'),
  },
];

/** One bit of the file. */
export function flipped({ text }: Exported, bit: number): FileChange {
  const bytes = Buffer.from(text);
  const place = bit >> 3;
  const keys = bytes.indexOf('"keys":');
  const inKeys = place >= keys && place < bytes.indexOf("\n") - 1;
  bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit & 7));
  return {
    kind: inKeys ? "file: its own keys, which are not asked" : "file: a bit",
    place: `bit ${bit}`,
    change: () => bytes,
  };
}

export const bitsOf = ({ text }: Exported) => Buffer.byteLength(text) * 8;

/** An entry of a workflow that had none, as somebody would write it who knows the format. */
function later(all: readonly Line[]): Entry {
  const last = all.findLast(isEntry);
  if (last === undefined) throw new Error("an export has no entry");
  const entry = JSON.stringify({
    ...JSON.parse(last.entry),
    ...{ workflow: crypto.randomUUID(), position: 0, previous: null },
  });
  return { ...last, entry, leaf: Buffer.from(hash("sha256", `\0${entry}`, "buffer")).toString("base64") };
}

function forged({ lines: all, header }: Exported): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const tree = new TreeBuilder();
  const entries = all.filter(isEntry).map((line) => (line.seq === 2 ? rewritten(line) : line));
  for (const { leaf } of entries) tree.append(Buffer.from(leaf, "base64"));
  const note = signCheckpoint(
    { origin: header.origin, size: entries.length, root: tree.root(), time: new Date().toISOString() },
    { privateKey, publicKey: raw },
  );
  return textOf([
    { ...header, keys: [verifierKey(header.origin, raw)] },
    ...entries,
    { kind: "checkpoint", note },
    { kind: "end", entries: entries.length, checkpoints: 1 },
  ]);
}
