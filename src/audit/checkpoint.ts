import { v4 as uuid } from "uuid";
import { type ControllerTransaction, type Database, type Transaction, tables } from "#database";
import { type ControllerId, HUB } from "#schemas";
import type { ControllerKeys, KeyRing } from "#vault";
import { appendEvents } from "./append.ts";
import { frontierFrom, rootOf } from "./merkle.ts";
import { signCheckpoint } from "./note.ts";

/** Where checkpoints go besides the database. What is held outside is what a rewritten database cannot agree with. */
export type Witness = (note: string) => Promise<void>;

interface DueLog {
  readonly controllerId: ControllerId;
  readonly did: string;
  readonly size: number;
  readonly frontier: Uint8Array;
}

/**
 * Signs the size and root of every log that grew, at most once a second each, and of every log at least
 * daily. A controller's checkpoint becomes a leaf of the hub's log, so one signature of the hub covers all;
 * the hub's own goes to the witness. Returns whether there was anything to sign.
 */
export async function signDueCheckpoints(
  database: Database,
  ring: KeyRing,
  witness: Witness,
  options: { all?: boolean } = {},
): Promise<boolean> {
  const due = await dueLogs(database, options.all === true);
  for (const log of due) {
    const keys = await ring.keys(log.controllerId);
    const note = await sign(database, log, keys);
    if (log.controllerId === HUB) await witness(note);
  }
  return due.length > 0;
}

async function dueLogs(database: Database, all: boolean): Promise<DueLog[]> {
  const rows = await database.acrossControllers(
    "lethe_sequencer",
    ({ sql }) =>
      sql<{ controllerId: ControllerId; size: string; frontier: Uint8Array }[]>`
      select controller_id as "controllerId", size, frontier from audit_log
      where (size > checkpointed and (${all} or checkpointed_at is null or checkpointed_at < now() - interval '1 second'))
        or checkpointed_at < now() - interval '1 day'
      order by controller_id = ${HUB}`,
  );
  if (rows.length === 0) return [];
  const dids = await database.acrossControllers("lethe_intake", ({ db }) =>
    db.select({ id: tables.controller.controllerId, did: tables.controller.did }).from(tables.controller),
  );
  const didOf = new Map(dids.map(({ id, did }) => [id, did]));
  return rows.flatMap(({ controllerId, size, frontier }) => {
    const did = didOf.get(controllerId);
    return did === undefined ? [] : [{ controllerId, did, size: Number(size), frontier }];
  });
}

function sign(database: Database, log: DueLog, keys: ControllerKeys): Promise<string> {
  const { key, version } = keys.current("checkpoint");
  const publicKey =
    keys.checkpointKeys.find((candidate) => candidate.version === version)?.publicKey ?? new Uint8Array();
  const root = rootOf(frontierFrom(log.size, log.frontier));
  const note = signCheckpoint(
    { origin: log.did, size: log.size, root, time: new Date().toISOString() },
    { privateKey: key, publicKey },
  );
  return database.acrossControllers("lethe_sequencer", async (tx) => {
    await tx.sql`insert into audit_checkpoint (controller_id, size, note) values (${log.controllerId}, ${log.size}, ${note})`;
    await tx.sql`update audit_log set checkpointed = ${log.size}, checkpointed_at = now() where controller_id = ${log.controllerId}`;
    if (log.controllerId !== HUB) await witnessInHubLog(tx, log, root);
    return note;
  });
}

async function witnessInHubLog(tx: Transaction, log: DueLog, root: Uint8Array): Promise<void> {
  const hub: ControllerTransaction = { sql: tx.sql, db: tx.db, controllerId: HUB };
  await appendEvents(hub, [
    {
      workflow: uuid(),
      type: "audit.checkpoint",
      entity: log.did,
      actor: "hub",
      facts: { size: log.size, root: Buffer.from(root).toString("hex") },
    },
  ]);
}

/** The newest checkpoint of a controller's log, as a signed note. */
export async function latestCheckpoint(tx: ControllerTransaction): Promise<string | undefined> {
  const [row] = await tx.sql<{ note: string }[]>`select note from audit_checkpoint
    where controller_id = ${tx.controllerId} order by id desc limit 1`;
  return row?.note;
}
