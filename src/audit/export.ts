import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ControllerTransaction, Database } from "#database";
import { type AuditExportLine, HUB } from "#schemas";
import type { KeyRing } from "#vault";
import { readEntry } from "./entry.ts";
import { auditErrors } from "./errors.ts";
import { inclusionProof, rootOfLeaves } from "./merkle.ts";
import { verifierKey } from "./note.ts";
import type { LogOwner } from "./verify.ts";

const BATCH = 5_000;

/**
 * Writes one controller's log to a file that the offline verifier checks with no database, no network and no
 * secrets: entries, checkpoints, public keys, and the proof that the hub's log witnessed the newest checkpoint.
 * Appears under its name only when complete. Returns how many entries it holds.
 */
export async function exportLog(options: {
  database: Database;
  ring: KeyRing;
  owner: LogOwner;
  hub: LogOwner;
  file: string;
  progress?: (done: number) => void;
}): Promise<number> {
  const partial = `${options.file}.partial`;
  let entries = 0;
  async function* text() {
    for await (const line of lines(options)) {
      if (line.kind === "entry") entries += 1;
      yield `${JSON.stringify(line)}\n`;
    }
  }
  try {
    await pipeline(Readable.from(text()), createWriteStream(partial, { mode: 0o600 }));
    await rename(partial, options.file);
  } catch (error) {
    await rm(partial, { force: true });
    throw auditErrors.notExported(
      error instanceof Error && "code" in error
        ? `cannot write ${options.file} (${String(error.code)})`
        : "the export failed",
    );
  }
  return entries;
}

async function* lines({
  database,
  ring,
  owner,
  hub,
  progress = () => {},
}: Parameters<typeof exportLog>[0]): AsyncGenerator<AuditExportLine> {
  const keys = async (of: LogOwner) =>
    (await ring.keys(of.id)).checkpointKeys.map(({ publicKey }) => verifierKey(of.did, publicKey));
  yield {
    kind: "header",
    format: "lethe-audit-export/1",
    controller: owner.id,
    did: owner.did,
    origin: owner.did,
    keys: await keys(owner),
    hubKeys: await keys(hub),
  };
  const size = await database.inController(owner.id, logSize);
  for (let next = 0; next < size; next += BATCH) {
    const rows = await database.inController(owner.id, (tx) =>
      entriesFrom(tx, next, Math.min(next + BATCH, size)),
    );
    for (const { seq, entry, leaf } of rows)
      yield {
        kind: "entry",
        seq: Number(seq),
        entry: Buffer.from(entry ?? []).toString("utf8"),
        leaf: Buffer.from(leaf).toString("base64"),
      };
    progress(Math.min(next + BATCH, size));
  }
  const notes = await database.inController(owner.id, checkpointNotes);
  const covered = notes.filter((note) => sizeOf(note) <= size);
  for (const note of covered) yield { kind: "checkpoint", note };
  const newest = covered.at(-1);
  const witness = newest === undefined ? undefined : await witnessOf(database, hub, owner, sizeOf(newest));
  if (witness !== undefined) yield witness;
  yield { kind: "end", entries: size, checkpoints: covered.length };
}

async function logSize({ sql, controllerId }: ControllerTransaction): Promise<number> {
  const [row] = await sql<
    { size: string }[]
  >`select count(*) as size from audit_leaf where controller_id = ${controllerId}`;
  return Number(row?.size ?? 0);
}

function entriesFrom({ sql, controllerId }: ControllerTransaction, from: number, to: number) {
  return sql<{ seq: string; entry: Uint8Array | null; leaf: Uint8Array }[]>`
    select l.seq, e.entry, l.leaf from audit_leaf l
    left join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
    where l.controller_id = ${controllerId} and l.seq >= ${from} and l.seq < ${to} order by l.seq`;
}

async function checkpointNotes({ sql, controllerId }: ControllerTransaction): Promise<string[]> {
  const rows = await sql<
    { note: string }[]
  >`select note from audit_checkpoint where controller_id = ${controllerId} order by id`;
  return rows.map(({ note }) => note);
}

/** The size in a note, unverified: the export carries what is there, verifying is the reader's task. */
function sizeOf(note: string): number {
  return Number(note.split("\n")[1]);
}

/** The hub's newest checkpoint that covers the leaf which took the controller's, with the way from leaf to root. */
async function witnessOf(
  database: Database,
  hub: LogOwner,
  owner: LogOwner,
  size: number,
): Promise<AuditExportLine | undefined> {
  return database.inController(
    HUB,
    async (tx) => {
      const { sql } = tx;
      const leaves = await sql<{ seq: string; entry: Uint8Array }[]>`
        select l.seq, e.entry from audit_leaf l join audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
        where l.controller_id = ${hub.id} and position(${Buffer.from(owner.did)} in e.entry) > 0
          and position(${Buffer.from(`"size":${size}`)} in e.entry) > 0
        order by l.seq desc`;
      const leaf = leaves.find((one) => {
        const entry = readEntry(one.entry);
        return entry?.entity === owner.did && entry.facts.size === size;
      });
      const note = (await checkpointNotes(tx)).at(-1);
      if (leaf === undefined || note === undefined || sizeOf(note) <= Number(leaf.seq)) return undefined;
      const subtree = async (from: number, to: number) => {
        const rows = await sql<{ leaf: Uint8Array }[]>`select leaf from audit_leaf
          where controller_id = ${hub.id} and seq >= ${from} and seq < ${to} order by seq`;
        return rootOfLeaves(rows.map((row) => row.leaf));
      };
      const proof = await inclusionProof(Number(leaf.seq), sizeOf(note), subtree);
      return {
        kind: "witness" as const,
        note,
        leaf: Number(leaf.seq),
        entry: Buffer.from(leaf.entry).toString("utf8"),
        proof: proof.map((hash) => Buffer.from(hash).toString("base64")),
      };
    },
    { snapshot: true },
  );
}
