#!/usr/bin/env node
// @ts-check
/**
 * Checks a Lethe audit export by itself: no database, no network, no secrets, no dependencies. Written apart
 * from the hub's own code, in plain JavaScript for any Node ≥ 18, to be read. Takes 100 bytes of memory an entry.
 *
 *   node offline-verifier.mjs export.jsonl [--key <verifier key>] [--hub-key <verifier key>] [--checkpoint <file>]
 *
 * --key         the controller's key, got from somewhere else than the export (its DID document); without it
 *               the export's own keys are believed, and the answer says so
 * --hub-key     the same for the hub
 * --checkpoint  a signed note of this log that you kept from earlier: the log must still contain it
 *
 * Exit codes: 0 all holds · 1 the log was changed · 2 wrong usage · 3 a signature does not hold
 *             4 the file is incomplete or not an export · 5 the log is shorter than a checkpoint says
 */
import crypto, { createHash, createPublicKey, verify } from "node:crypto";
import { openSync, readFileSync, readSync } from "node:fs";
import { parseArgs } from "node:util";

const EXIT = { changed: 1, usage: 2, signature: 3, incomplete: 4, truncated: 5 };

class Finding extends Error {
  /** @param {keyof typeof EXIT} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Node.js before 20.12 has no `hash`. @param {Uint8Array | string} data @param {"hex" | "base64"} encoding */
const digest = (data, encoding) =>
  crypto.hash?.("sha256", data, encoding) ?? createHash("sha256").update(data).digest(encoding);
/** @param {...Uint8Array} parts */
const sha256 = (...parts) => Buffer.from(digest(Buffer.concat(parts), "base64"), "base64");
const NODE = Buffer.from([1]);

/** RFC 6962's hash of an entry, in base64. @param {string} entry */
function leafHash(entry) {
  if (typeof entry !== "string") throw new Finding("incomplete", "an entry is not a text");
  return digest(`\0${entry}`, "base64");
}

/** A growing RFC 6962 tree. It keeps the root of each full subtree, which make up the root that it had at any size. */
class Tree {
  size = 0;
  /** By height, 32 bytes each. @type {Buffer[]} */
  roots = [];
  pair = Buffer.concat([NODE], 65);
  /** @param {string} leaf in base64 */
  append(leaf) {
    for (let [height, at, root] = [0, this.size++, leaf]; ; height += 1, at = (at - 1) / 2) {
      let row = this.roots[height] ?? Buffer.alloc(64);
      if (row.length === at * 32) row = Buffer.concat([row], row.length * 2);
      this.roots[height] = row;
      row.write(root, at * 32, "base64");
      if (at % 2 === 0) return;
      row.copy(this.pair, 1, at * 32 - 32, at * 32 + 32);
      root = digest(this.pair, "base64");
    }
  }
  /** Undefined of a size that it never had. @param {number} size */
  root(size) {
    if (!Number.isInteger(size) || size < 0 || size > this.size) return undefined;
    const full = this.roots.flatMap((row, height) => {
      const count = Math.floor(size / 2 ** height);
      return count % 2 === 1 ? [row.subarray(count * 32 - 32, count * 32)] : [];
    });
    return full.length === 0 ? sha256() : full.reduce((right, left) => sha256(NODE, left, right));
  }
}

/**
 * @typedef {{ name: string, id: string, publicKey: import("node:crypto").KeyObject }} Key
 * @param {string} text C2SP verifier key: name+id+base64(0x01 ‖ Ed25519 key)
 * @returns {Key}
 */
function parseKey(text) {
  const [name = "", id = "", encoded = ""] = text.split("+", 2).concat(text.split("+").slice(2).join("+"));
  const bytes = Buffer.from(encoded, "base64");
  const expected = sha256(Buffer.from(`${name}\n`), bytes).toString("hex", 0, 4);
  if (bytes.length !== 33 || bytes[0] !== 1 || id !== expected)
    throw new Finding("usage", `"${text}" is not an Ed25519 verifier key`);
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), bytes.subarray(1)]);
  return { name, id, publicKey: createPublicKey({ key: spki, format: "der", type: "spki" }) };
}

/**
 * A signed checkpoint. Throws unless one of the keys signed it under its own name.
 * @param {string} note @param {Key[]} keys
 */
function openNote(note, keys) {
  const end = note.indexOf("\n\n") + 1;
  const text = note.slice(0, end);
  const [origin = "", size = "", root = ""] = text.split("\n");
  for (const line of note.slice(end + 1).split("\n")) {
    const [dash, name, base64] = line.split(" ");
    if (dash !== "—" || name !== origin || base64 === undefined) continue;
    const signature = Buffer.from(base64, "base64");
    if (signature.toString("base64") !== base64) continue; // spare bits would make two texts of one note
    const key = keys.find((k) => k.name === name && k.id === signature.subarray(0, 4).toString("hex"));
    if (key !== undefined && verify(null, Buffer.from(text), key.publicKey, signature.subarray(4)))
      return { origin, size: Number(size), root: Buffer.from(root, "base64") };
  }
  throw new Finding(
    "signature",
    `a checkpoint of ${origin || "an unnamed log"} is not signed by a known key`,
  );
}

/**
 * RFC 9162 §2.1.3.2.
 * @param {string} leaf @param {number} index @param {number} size @param {Buffer[]} proof
 */
function rootFromProof(leaf, index, size, proof) {
  if (!(index < size))
    throw new Finding("changed", "an inclusion proof is for an entry that the log does not have");
  let [fn, sn, root] = [index, size - 1, Buffer.from(leaf, "base64")];
  for (const sibling of proof) {
    if (sn === 0) throw new Finding("changed", "an inclusion proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      root = sha256(NODE, sibling, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else root = sha256(NODE, root, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  if (sn !== 0) throw new Finding("changed", "an inclusion proof is too short");
  return root;
}

/** Cuts the bytes at line ends, and so never within a character. @param {string} file */
function* readLines(file) {
  const descriptor = openSync(file, "r");
  let bytes = Buffer.alloc(65_536);
  for (let [held, read] = [0, 1]; read > 0; ) {
    if (held === bytes.length) bytes = Buffer.concat([bytes], held * 2); // a line longer than that
    read = readSync(descriptor, bytes, held, bytes.length - held, null);
    held += read;
    const whole = read === 0 ? held : bytes.subarray(0, held).lastIndexOf("\n") + 1;
    try {
      const lines = bytes.toString("utf8", 0, whole).split("\n");
      if (lines.at(-1) === "") lines.pop();
      for (const line of lines) yield JSON.parse(line);
    } catch {
      throw new Finding("incomplete", "a line of the file is not JSON: it was cut off or is not an export");
    }
    bytes.copyWithin(0, whole, held);
    held -= whole;
  }
}

/** Within a workflow every event names the hash of the one before it, in whatever order the log took them. */
class Chains {
  /** @type {Map<string, { position: number, hash: string }>} */
  tails = new Map();
  /** @type {Map<string, { event: any, hash: string }>} */
  early = new Map();
  /** @param {any} event @param {string} hash @returns {boolean} */
  follows(event, hash) {
    const tail = this.tails.get(event.workflow);
    const expected = tail === undefined ? 0 : tail.position + 1;
    if (event.position > expected) {
      const waiting = this.early.size; // more afterwards, unless two claim the same place
      return this.early.set(`${event.workflow} ${event.position}`, { event, hash }).size > waiting;
    }
    if (event.position !== expected || event.previous !== (tail?.hash ?? null)) return false;
    this.tails.set(event.workflow, { position: expected, hash });
    if (this.early.size === 0) return true;
    const waiting = `${event.workflow} ${expected + 1}`;
    const next = this.early.get(waiting);
    this.early.delete(waiting);
    return next === undefined || this.follows(next.event, next.hash);
  }
}

/**
 * @param {string} file
 * @param {{ key?: string | undefined, hubKey?: string | undefined, checkpoint?: string | undefined }} trusted
 */
function verifyExport(file, trusted) {
  const tree = new Tree();
  const chains = new Chains();
  /** @type {{ size: number, root: Buffer }[]} */ const checkpoints = [];
  /** @type {any} */ let header;
  /** @type {Key[]} */ let keys = [];
  /** @type {Key[]} */ let hubKeys = [];
  let [ended, witnessed] = [false, false];
  for (const line of readLines(file)) {
    if (ended) throw new Finding("changed", "the file goes on after its end line");
    if (header === undefined) {
      if (line.kind !== "header" || line.format !== "lethe-audit-export/1")
        throw new Finding("incomplete", "this is not a lethe-audit-export/1 file");
      header = line;
      if (header.did !== header.origin) throw new Finding("changed", "the header names two logs");
      keys = (trusted.key === undefined ? header.keys : [trusted.key]).map(parseKey);
      hubKeys = (trusted.hubKey === undefined ? header.hubKeys : [trusted.hubKey]).map(parseKey);
    } else if (line.kind === "entry") {
      if (line.seq !== tree.size)
        throw new Finding("changed", `entry ${tree.size} is missing or out of order`);
      const leaf = leafHash(line.entry);
      if (leaf !== line.leaf)
        throw new Finding("changed", `entry ${line.seq} is not the one that was logged`);
      const event = JSON.parse(line.entry);
      if (event.controller !== header.controller)
        throw new Finding("changed", `entry ${line.seq} belongs to another log`);
      if (!chains.follows(event, digest(line.entry, "hex")))
        throw new Finding("changed", `entry ${line.seq} does not follow its workflow's last event`);
      tree.append(leaf);
    } else if (line.kind === "checkpoint") checkpoints.push(checkCheckpoint(line.note));
    else if (line.kind === "witness") witnessed = checkWitness(line);
    else if (line.kind === "end") {
      if (line.entries !== tree.size || line.checkpoints !== checkpoints.length)
        throw new Finding("incomplete", `the file says ${line.entries} entries and holds ${tree.size}`);
      ended = true;
    } else throw new Finding("incomplete", `unknown line "${line.kind}"`);
  }
  if (!ended) throw new Finding("incomplete", "the file was cut off before its end line");
  if (chains.early.size > 0) throw new Finding("changed", "a workflow lacks one of its events");
  if (trusted.checkpoint !== undefined) checkCheckpoint(trusted.checkpoint);
  const newest = checkpoints.at(-1);
  return {
    ok: true,
    controller: header.controller,
    origin: header.origin,
    events: tree.size,
    head: tree.root(tree.size)?.toString("hex"),
    checkpoints: checkpoints.length,
    signed: newest?.size ?? 0,
    witnessed,
    keyFrom: trusted.key === undefined ? "the export itself" : "--key",
  };

  /** @param {string} note */
  function checkCheckpoint(note) {
    const checkpoint = openNote(note, keys);
    if (checkpoint.origin !== header.origin) throw new Finding("signature", "a checkpoint is another log's");
    if (checkpoint.size > tree.size)
      throw new Finding(
        "truncated",
        `a checkpoint was signed over ${checkpoint.size} entries, and ${tree.size} are here`,
      );
    if (tree.root(checkpoint.size)?.equals(checkpoint.root) !== true)
      throw new Finding("changed", `the first ${checkpoint.size} entries are not those that were signed`);
    return checkpoint;
  }

  /** @param {{ note: string, leaf: number, entry: string, proof: string[] }} line */
  function checkWitness(line) {
    const hub = openNote(line.note, hubKeys);
    const proof = line.proof.map((hash) => Buffer.from(hash, "base64"));
    if (proof.some((hash, place) => hash.toString("base64") !== line.proof[place]))
      throw new Finding("changed", "a hash of the witness's proof is not written as it was"); // spare bits, again
    if (!rootFromProof(leafHash(line.entry), line.leaf, hub.size, proof).equals(hub.root))
      throw new Finding("changed", "the hub's log does not contain what the export says it does");
    const event = JSON.parse(line.entry);
    const newest = checkpoints.at(-1);
    if (
      event.entity !== header.origin ||
      event.facts.size !== newest?.size ||
      event.facts.root !== newest?.root.toString("hex")
    )
      throw new Finding("changed", "the hub witnessed another checkpoint than the newest one here");
    return true;
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      key: { type: "string" },
      "hub-key": { type: "string" },
      checkpoint: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length !== 1)
    throw new Finding("usage", "name the export to check: node offline-verifier.mjs <export.jsonl>");
  const checkpoint = values.checkpoint === undefined ? undefined : readFileSync(values.checkpoint, "utf8");
  const report = verifyExport(file, { key: values.key, hubKey: values["hub-key"], checkpoint });
  if (values.json) console.log(JSON.stringify(report));
  else {
    console.log(`The log of ${report.origin} holds: ${report.events} events, head ${report.head}`);
    console.log(
      `${report.checkpoints} signed checkpoints, the newest over ${report.signed} events; witnessed by the hub's log: ${report.witnessed ? "yes" : "no"}`,
    );
    if (values.key === undefined)
      console.log(
        "The keys are the export's own. To rule out a forged export, pass --key from the controller's DID document.",
      );
  }
}

main().catch((error) => {
  const known = error instanceof Finding || error?.code?.startsWith?.("ERR_PARSE_ARGS");
  const reason = known ? error.message : `cannot read the file (${error?.code ?? error?.message})`;
  console.error(`Not verified: ${reason}`);
  process.exitCode = error instanceof Finding ? EXIT[error.kind] : known ? EXIT.usage : EXIT.incomplete;
});
