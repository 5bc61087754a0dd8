#!/usr/bin/env node
// @ts-check
/**
 * Checks a Lethe audit export by itself: no database, no network, no secrets, no dependencies. Written apart
 * from the hub's own code, in plain JavaScript for any Node ≥ 18, so that whoever gets an export can read it.
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
import { createHash, createPublicKey, verify } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const EXIT = { changed: 1, usage: 2, signature: 3, incomplete: 4, truncated: 5 };

class Finding extends Error {
  /** @param {keyof typeof EXIT} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** @param {...(Uint8Array | string)} parts */
const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** The roots of the full subtrees of a growing RFC 6962 tree. */
class Tree {
  size = 0;
  /** @type {Buffer[]} */
  roots = [];
  /** @param {Buffer} leaf */
  append(leaf) {
    let root = leaf;
    for (let size = this.size; size % 2 === 1; size = (size - 1) / 2)
      root = sha256(NODE, /** @type {Buffer} */ (this.roots.pop()), root);
    this.roots.push(root);
    this.size += 1;
  }
  root() {
    return this.roots.length === 0
      ? sha256("")
      : this.roots.reduceRight((right, left) => sha256(NODE, left, right));
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
  const expected = sha256(`${name}\n`, bytes).subarray(0, 4).toString("hex");
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
 * @param {Buffer} leaf @param {number} index @param {number} size @param {Buffer[]} proof
 */
function rootFromProof(leaf, index, size, proof) {
  if (!(index < size))
    throw new Finding("changed", "an inclusion proof is for an entry that the log does not have");
  let [fn, sn, root] = [index, size - 1, leaf];
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

/** @param {string} file */
async function* readLines(file) {
  const lines = createInterface({
    input: createReadStream(file, "utf8"),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    try {
      yield JSON.parse(line);
    } catch {
      throw new Finding("incomplete", "a line of the file is not JSON: it was cut off or is not an export");
    }
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
    const expected = (tail?.position ?? -1) + 1;
    if (event.position > expected) {
      this.early.set(`${event.workflow} ${event.position}`, { event, hash });
      return true;
    }
    this.tails.set(event.workflow, { position: event.position, hash });
    const holds = event.position === expected && event.previous === (tail?.hash ?? null);
    const waiting = `${event.workflow} ${expected + 1}`;
    const next = this.early.get(waiting);
    this.early.delete(waiting);
    return (next === undefined || this.follows(next.event, next.hash)) && holds;
  }
}

/**
 * @param {string} file
 * @param {{ key?: string | undefined, hubKey?: string | undefined, checkpoint?: string | undefined }} trusted
 */
async function verifyExport(file, trusted) {
  const tree = new Tree();
  /** @type {Map<number, Buffer>} */
  const rootAt = new Map();
  const chains = new Chains();
  /** @type {{ size: number, root: Buffer }[]} */
  const checkpoints = [];
  /** @type {any} */
  let header;
  /** @type {Key[]} */
  let keys = [];
  /** @type {Key[]} */
  let hubKeys = [];
  let ended = false;
  let witnessed = false;

  // First pass: which sizes need a root. Checkpoints come last in the file, so the roots are kept as we go.
  const sizes = new Set([0]);
  for await (const line of readLines(file))
    if (line.kind === "checkpoint") sizes.add(Number(String(line.note).split("\n")[1]));
  if (trusted.checkpoint !== undefined) sizes.add(Number(trusted.checkpoint.split("\n")[1]));
  if (sizes.has(0)) rootAt.set(0, tree.root());

  for await (const line of readLines(file)) {
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
      const leaf = sha256(LEAF, line.entry);
      if (leaf.toString("base64") !== line.leaf)
        throw new Finding("changed", `entry ${line.seq} is not the one that was logged`);
      const event = JSON.parse(line.entry);
      if (event.controller !== header.controller)
        throw new Finding("changed", `entry ${line.seq} belongs to another log`);
      if (!chains.follows(event, sha256(line.entry).toString("hex")))
        throw new Finding("changed", `entry ${line.seq} does not follow its workflow's last event`);
      tree.append(leaf);
      if (sizes.has(tree.size)) rootAt.set(tree.size, tree.root());
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
    head: tree.root().toString("hex"),
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
    if (rootAt.get(checkpoint.size)?.equals(checkpoint.root) !== true)
      throw new Finding("changed", `the first ${checkpoint.size} entries are not those that were signed`);
    return checkpoint;
  }

  /** @param {{ note: string, leaf: number, entry: string, proof: string[] }} line */
  function checkWitness(line) {
    const hub = openNote(line.note, hubKeys);
    const proof = line.proof.map((hash) => Buffer.from(hash, "base64"));
    if (proof.some((hash, place) => hash.toString("base64") !== line.proof[place]))
      throw new Finding("changed", "a hash of the witness's proof is not written as it was"); // spare bits, again
    if (!rootFromProof(sha256(LEAF, line.entry), line.leaf, hub.size, proof).equals(hub.root))
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
  const report = await verifyExport(file, { key: values.key, hubKey: values["hub-key"], checkpoint });
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
  console.error(
    known
      ? `Not verified: ${error.message}`
      : `Not verified: cannot read the file (${error?.code ?? error?.message})`,
  );
  process.exitCode = error instanceof Finding ? EXIT[error.kind] : known ? EXIT.usage : EXIT.incomplete;
});
