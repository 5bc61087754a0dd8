import type { Database } from "#database";
import { type Did, HUB } from "#schemas";
import type { KeyRing } from "#vault";
import { readEntry } from "./entry.ts";
import type { FaultCode } from "./errors.ts";
import { asHash, same, TreeBuilder } from "./merkle.ts";
import { readCheckpoint } from "./note.ts";
import { type Statement, type Statements, statements } from "./statements.ts";
import { type Fault, type LogOwner, type LogReport, MOST_FAULTS, verifyLog } from "./verify.ts";

export interface AuditReport {
  readonly ok: boolean;
  readonly logs: readonly LogReport[];
  readonly hub: LogReport;
  /** Whether there was a checkpoint from outside the database to compare with. Absent is no fault, and no agreement. */
  readonly witness: "compared" | "absent";
  readonly faults: readonly Fault[];
}

/**
 * Verifies logs, the hub's log that took their checkpoints as leaves, and the copy of the hub's checkpoint that is
 * held outside the database. Only that copy can tell when the whole database was rolled back or rewritten.
 */
export async function verifyAll(options: {
  database: Database;
  ring: KeyRing;
  logs: readonly LogOwner[];
  hubDid: Did;
  witnessed: string | undefined;
  progress?: (log: LogOwner, done: number) => void;
}): Promise<AuditReport> {
  const { database, ring, witnessed } = options;
  const logs: LogReport[] = [];
  const compared: Fault[] = [];
  const before = new Map<string, Statements>();
  await eachOfHub(database, (did, one) => {
    const known = before.get(did) ?? statements();
    before.set(did, known);
    known.add(one);
  });
  const unseen = new Map<string, Statements>();
  for (const owner of options.logs) {
    const log = await verifyLog(database, ring, owner, (done) => options.progress?.(owner, done));
    const own = log.signed;
    const witnessedBefore = before.get(owner.did) ?? statements();
    logs.push(log.report);
    // The hub's log had it before we looked, so the controller's must still have it …
    const gone: Fault[] = [];
    for (const one of witnessedBefore.all())
      if (!own.has(one) && gone.length < MOST_FAULTS) gone.push(fault(owner.id, "audit/checkpoint-missing"));
    compared.push(...gone);
    // … and what the controller's has, the hub's must have by the end. Only what it did not have before is kept till then.
    for (const one of own.all()) if (witnessedBefore.has(one)) own.delete(one);
    unseen.set(owner.did, own);
    before.delete(owner.did);
  }
  const { report: hub } = await verifyLog(database, ring, { id: HUB, did: options.hubDid });
  await eachOfHub(database, (did, one) => unseen.get(did)?.delete(one));
  const faults = [
    ...logs.flatMap((log) => log.faults),
    ...hub.faults,
    ...compared,
    ...options.logs.flatMap(({ id, did }) =>
      [...(unseen.get(did)?.all() ?? [])]
        .slice(0, MOST_FAULTS)
        .map(() => fault(id, "audit/checkpoint-unwitnessed")),
    ),
    ...(witnessed === undefined ? [] : await compareWitness(database, ring, witnessed, options.hubDid)),
  ];
  return {
    ok: faults.length === 0,
    logs,
    hub,
    witness: witnessed === undefined ? "absent" : "compared",
    faults,
  };
}

async function compareWitness(
  database: Database,
  ring: KeyRing,
  note: string,
  hubDid: Did,
): Promise<Fault[]> {
  const publicKeys = (await ring.keys(HUB)).checkpointKeys.map(({ publicKey }) => publicKey);
  const outside = readCheckpoint(note, publicKeys);
  if (typeof outside === "string") return [fault(HUB, "audit/checkpoint-forged")];
  const tree = new TreeBuilder();
  for (let next = "-1"; ; ) {
    const rows = await database.inController(
      HUB,
      ({ sql }) => sql<{ seq: string; leaf: Uint8Array }[]>`
        select seq, leaf from audit_leaf
        where controller_id = ${HUB} and seq > ${next}::bigint and seq < ${outside.size} order by seq limit ${BATCH}`,
    );
    for (const { leaf } of rows) tree.append(asHash(leaf));
    next = rows.at(-1)?.seq ?? next;
    if (rows.length < BATCH) break;
  }
  if (tree.size < outside.size) return [fault(HUB, "audit/log-truncated")];
  if (!same(tree.root(), outside.root)) return [fault(HUB, "audit/root-mismatch")];
  const notes = await database.inController(
    HUB,
    ({ sql }) => sql<{ note: string }[]>`
      select note from audit_checkpoint where controller_id = ${HUB} and size = ${outside.size}`,
  );
  // It is given outside after it was committed here.
  const isHere = notes.some((row) => {
    const one = readCheckpoint(row.note, publicKeys);
    return (
      typeof one !== "string" &&
      one.origin === hubDid &&
      one.size === outside.size &&
      one.time === outside.time
    );
  });
  return isHere ? [] : [fault(HUB, "audit/checkpoint-missing")];
}

/** Entries read at a time: a running hub has to answer in between. */
const BATCH = 1_000;

/** What the hub's log says of each log. An entry that is none any more says nothing: its own log's verification finds it. */
async function eachOfHub(database: Database, take: (did: string, one: Statement) => void): Promise<void> {
  for (let last = "-9223372036854775808"; ; ) {
    const rows = await database.inController(
      HUB,
      ({ sql }) => sql<{ id: string; entry: Uint8Array }[]>`
        select id, entry from audit_event
        where controller_id = ${HUB} and id > ${last}::bigint order by id limit ${BATCH}`,
    );
    for (const row of rows) {
      const entry = readEntry(row.entry);
      if (entry?.type === "audit.checkpoint")
        take(entry.entity, { size: Number(entry.facts.size), root: String(entry.facts.root) });
    }
    last = rows.at(-1)?.id ?? last;
    if (rows.length < BATCH) return;
  }
}

const fault = (controller: LogOwner["id"], code: FaultCode): Fault => ({ controller, code, seq: null });
