import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { frontierBytes, TreeBuilder } from "../../../src/audit/merkle.ts";
import { readCheckpoint, signCheckpoint } from "../../../src/audit/note.ts";
import type { Attempt } from "./attempt.ts";
import type { Logs, Owner } from "./logs.ts";

interface Signer {
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/** Somebody who knows how the log is made changes an entry and makes as much of the rest fit as they can. */
export const FORGERIES: readonly Attempt[] = [
  forgery("an entry rewritten, and its leaf", (logs) => refitLeaves(logs, logs.a)),
  forgery("an entry rewritten, and its leaf, tile and frontier", (logs) => refit(logs, logs.a)),
  forgery("all rewritten, its checkpoints taken out", async (logs) => {
    await refit(logs, logs.a);
    await logs.change(`delete from lethe.audit_checkpoint where controller_id = '${logs.a.id}'`);
  }),
  forgery("all rewritten, its checkpoints signed with a key of one's own", async (logs) => {
    await refit(logs, logs.a);
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    await signAnew(logs, logs.a, { privateKey, publicKey: raw });
  }),
  forgery(
    "all rewritten, its checkpoints signed with its key's name and a key of one's own",
    async (logs) => {
      await refit(logs, logs.a);
      const { privateKey } = generateKeyPairSync("ed25519");
      await signAnew(logs, logs.a, { ...(await signerOf(logs, logs.a)), privateKey });
    },
  ),
  forgery("all rewritten and signed with the controller's key", async (logs) => {
    await refit(logs, logs.a);
    await signAnew(logs, logs.a, await signerOf(logs, logs.a));
  }),
  forgery("all rewritten and signed with the controller's key, and the hub's log refitted", rewriteAll),
  forgery("all rewritten and signed with the keys", rewriteAllWithKeys),
  {
    ...forgery("all rewritten and signed with the keys, nothing held outside", rewriteAllWithKeys),
    outside: "nothing",
  },
  {
    kind: "a checkpoint signed anew with the key, with another time",
    tamper: async (logs) => {
      await signAnew(logs, logs.a, await signerOf(logs, logs.a));
      return true;
    },
  },
  {
    kind: "an event with its place and no signature, rewritten with its leaf",
    tamper: async (logs) => {
      const [last] = await logs.rooms.sql<{ seq: number }[]>`
        select max(seq)::int as seq from audit_leaf where controller_id = ${logs.a.id}`;
      await rewriteEntry(logs, last?.seq ?? 0);
      await refit(logs, logs.a);
      return true;
    },
  },
  cutOff("an event with its place and no signature, taken out with its leaf", 1),
  cutOff("signed events taken off the end, and the rest made to fit", 3),
];

function forgery(kind: string, afterwards: (logs: Logs) => Promise<void>): Attempt {
  return {
    kind,
    tamper: async (logs, random) => {
      await rewriteEntry(logs, 5 + Math.floor(random() * 200));
      await afterwards(logs);
      return true;
    },
  };
}

function cutOff(kind: string, count: number): Attempt {
  return {
    kind,
    tamper: async (logs) => {
      const { id } = logs.a;
      const taken = `select event_id from lethe.audit_leaf where controller_id = '${id}' order by seq desc limit ${count}`;
      await logs.change(`delete from lethe.audit_event where controller_id = '${id}' and id in (${taken});
        delete from lethe.audit_leaf where controller_id = '${id}' and event_id in (${taken})`);
      await refit(logs, logs.a);
      return true;
    },
  };
}

async function rewriteAll(logs: Logs): Promise<void> {
  await refit(logs, logs.a);
  const roots = await signAnew(logs, logs.a, await signerOf(logs, logs.a));
  for (const [old, root] of roots)
    await logs.change(`update lethe.audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), '${old}', '${root}'), 'UTF8')
      where controller_id = '${logs.hub.id}' and position('${old}' in convert_from(entry, 'UTF8')) > 0`);
  await refit(logs, logs.hub);
}

async function rewriteAllWithKeys(logs: Logs): Promise<void> {
  await rewriteAll(logs);
  await signAnew(logs, logs.hub, await signerOf(logs, logs.hub));
}

/** An event whose workflow has no other, so that no chain tells of it. */
async function rewriteEntry(logs: Logs, seq: number): Promise<void> {
  const changed = await logs.change(`
    update lethe.audit_event set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'thing:', 'other:'), 'UTF8')
    where controller_id = '${logs.a.id}' and id = (select event_id from lethe.audit_leaf where controller_id = '${logs.a.id}' and seq = ${seq})`);
  if (changed !== 1) throw new Error("there is no event to rewrite");
}

async function refitLeaves(logs: Logs, { id }: Owner): Promise<void> {
  await logs.change(`update lethe.audit_leaf l set leaf = sha256('\\x00'::bytea || e.entry) from lethe.audit_event e
    where l.controller_id = '${id}' and e.controller_id = l.controller_id and e.id = l.event_id`);
}

/** Leaves, tiles, size and frontier as the entries give them. */
async function refit(logs: Logs, owner: Owner): Promise<void> {
  await refitLeaves(logs, owner);
  const { size, tree } = await treeOf(logs, owner);
  const frontier = Buffer.from(frontierBytes(tree.frontier())).toString("hex");
  await logs.change(`update lethe.audit_tile t set hashes = (select string_agg(leaf, ''::bytea order by seq)
      from lethe.audit_leaf l where l.controller_id = t.controller_id and l.seq / 256 = t.index) where controller_id = '${owner.id}';
    update lethe.audit_log set size = ${size}, frontier = '\\x${frontier}' where controller_id = '${owner.id}'`);
}

/** Every checkpoint of a log over the roots that it has now. Returns which root became which, in hex. */
async function signAnew(logs: Logs, owner: Owner, signer: Signer): Promise<Map<string, string>> {
  const { roots } = await treeOf(logs, owner);
  const rows = await logs.rooms.sql<{ id: string; size: string; note: string }[]>`
    select id, size, note from audit_checkpoint where controller_id = ${owner.id} order by id`;
  const changed = new Map<string, string>();
  const { publicKey } = await signerOf(logs, owner);
  for (const { id, size, note } of rows) {
    const before = readCheckpoint(note, [publicKey]);
    const root = roots[Number(size)];
    if (typeof before === "string" || root === undefined)
      throw new Error("there is no checkpoint to sign anew");
    changed.set(Buffer.from(before.root).toString("hex"), Buffer.from(root).toString("hex"));
    const time = new Date(Date.parse(before.time) + 1_000).toISOString();
    const text = signCheckpoint({ origin: owner.did, size: Number(size), root, time }, signer);
    await logs.change(
      `update lethe.audit_checkpoint set note = '${text}' where controller_id = '${owner.id}' and id = ${id}`,
    );
  }
  return changed;
}

/** `roots[n]` is the root of the first n leaves. */
async function treeOf(logs: Logs, { id }: Owner) {
  const leaves = await logs.rooms.sql<{ leaf: Uint8Array }[]>`
    select leaf from audit_leaf where controller_id = ${id} order by seq`;
  const tree = new TreeBuilder();
  const roots = [tree.root()];
  for (const { leaf } of leaves) {
    tree.append(leaf);
    roots.push(tree.root());
  }
  return { size: leaves.length, tree, roots };
}

async function signerOf({ rooms }: Logs, { id }: Owner): Promise<Signer> {
  const keys = await rooms.ring.keys(id);
  const { key, version } = keys.current("checkpoint");
  const own = keys.checkpointKeys.find((one) => one.version === version);
  if (own === undefined) throw new Error("a log has no key");
  return { privateKey: key, publicKey: own.publicKey };
}
