import type { ControllerTransaction, Database } from "#database";
import { type Did, HUB } from "#schemas";
import type { KeyRing } from "#vault";
import { readEntry } from "./entry.ts";
import type { FaultCode } from "./errors.ts";
import { asHash, same, TreeBuilder } from "./merkle.ts";
import { readCheckpoint } from "./note.ts";
import { type Fault, type LogOwner, type LogReport, verifyLog } from "./verify.ts";

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
  const before = await database.inController(HUB, hubStatements);
  const logs: LogReport[] = [];
  for (const owner of options.logs)
    logs.push(await verifyLog(database, ring, owner, (done) => options.progress?.(owner, done)));
  const hub = await verifyLog(database, ring, { id: HUB, did: options.hubDid });
  const after = await database.inController(HUB, hubStatements);
  const faults = [
    ...logs.flatMap((log) => log.faults),
    ...hub.faults,
    ...options.logs.flatMap(({ id, did }, index) => {
      const own = new Set(
        logs[index]?.checkpoints.map(({ size, root }) => statement(size, Buffer.from(root).toString("hex"))),
      );
      return [
        // The hub's log had it before we looked, so the controller's must still have it …
        ...[...(before.get(did) ?? [])]
          .filter((one) => !own.has(one))
          .map(() => fault(id, "audit/checkpoint-missing")),
        // … and what the controller's has, the hub's must have by now.
        ...[...own]
          .filter((one) => after.get(did)?.has(one) !== true)
          .map(() => fault(id, "audit/checkpoint-unwitnessed")),
      ];
    }),
    ...(witnessed === undefined ? [] : await compareWitness(database, ring, witnessed, hub)),
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
  hub: LogReport,
): Promise<Fault[]> {
  const publicKeys = (await ring.keys(HUB)).checkpointKeys.map(({ publicKey }) => publicKey);
  const outside = readCheckpoint(note, publicKeys);
  if (typeof outside === "string") return [fault(HUB, "audit/checkpoint-forged")];
  const tree = new TreeBuilder();
  await database.inController(HUB, async ({ sql }) => {
    const leaves = sql<{ leaf: Uint8Array }[]>`select leaf from audit_leaf
      where controller_id = ${HUB} and seq < ${outside.size} order by seq`;
    for await (const rows of leaves.cursor(BATCH)) for (const { leaf } of rows) tree.append(asHash(leaf));
  });
  if (tree.size < outside.size) return [fault(HUB, "audit/log-truncated")];
  if (!same(tree.root(), outside.root)) return [fault(HUB, "audit/root-mismatch")];
  // It is given outside after it was committed here.
  return hub.checkpoints.some(({ size, time }) => size === outside.size && time === outside.time)
    ? []
    : [fault(HUB, "audit/checkpoint-missing")];
}

/** Entries read at a time: a running hub has to answer in between. */
const BATCH = 1_000;

/** What the hub's log says of each log, by DID. An entry that is none any more says nothing: its own log's verification finds it. */
async function hubStatements({ sql }: ControllerTransaction): Promise<Map<string, Set<string>>> {
  const statements = new Map<string, Set<string>>();
  const batches = sql<{ entry: Uint8Array }[]>`select entry from audit_event where controller_id = ${HUB}`;
  for await (const rows of batches.cursor(BATCH))
    for (const row of rows) {
      const entry = readEntry(row.entry);
      if (entry?.type !== "audit.checkpoint") continue;
      const { size, root } = entry.facts;
      statements.set(
        entry.entity,
        (statements.get(entry.entity) ?? new Set()).add(statement(Number(size), String(root))),
      );
    }
  return statements;
}

const statement = (size: number, root: string) => `${size}:${root}`;

const fault = (controller: LogOwner["id"], code: FaultCode): Fault => ({ controller, code, seq: null });
