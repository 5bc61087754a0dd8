import { checkHead, FAULTS, lastOfStanding } from "#audit";
import { type Database, eq, tables } from "#database";
import { hubDid, type Rooms, readWitness, runningHub } from "#hub";
import { type ControllerId, HUB } from "#schemas";
import { ageOf, type Checks, DAY } from "./doctor-check.ts";
import { counted } from "./print.ts";

/** A log that lags by more events, or in days a nightly look that was that long ago, is worth a look. */
const AUDIT_LAG = 10_000;
const LOOKED = 2;

const VERIFY =
  "`lethe audit verify` says where; `lethe processing stop --reason investigation`, keep a copy of the database, and find out who wrote to it";

export const AUDIT_CHECKS = {
  async audit({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_sequencer",
      ({ sql }) => sql<{ lag: number }[]>`
      -- Subqueries, so that the index on the order is used: of a join with the watermark it cannot be.
      select count(*)::int as lag from audit_event
      where (xid, id) > (coalesce((select watermark_xid from audit_sequencer), '0'::xid8),
          coalesce((select watermark_id from audit_sequencer), 0))
        and id > coalesce((select floor_id from audit_sequencer), 0)`,
    );
    return {
      ok: (row?.lag ?? 0) < AUDIT_LAG,
      detail: `${counted(row?.lag ?? 0, "event waits", "events wait")} to be sealed; \`lethe audit verify\` checks the log itself`,
      advice: "start the hub, which seals them; if it runs, its log says why it cannot",
    };
  },
  /** The ends of the logs; that nothing before them was changed is for the nightly check, and `lethe audit verify`. */
  async log(rooms) {
    const { database, ring, config } = rooms;
    const witness = await readWitness(config.dataDir);
    const logs = [{ id: HUB, did: await hubDid(database), outside: witness }, ...(await rooms.controllers())];
    const heads = await Promise.all(
      logs.map(async (log) => {
        const publicKeys = (await ring.keys(log.id)).checkpointKeys.map(({ publicKey }) => publicKey);
        const head = await database.inController(log.id, (tx) => checkHead(tx, { ...log, publicKeys }), {
          snapshot: true,
        });
        return { ...head, id: log.id };
      }),
    );
    const faults = heads.flatMap(({ id, fault }) =>
      fault === undefined ? [] : [`${fault}: ${FAULTS[fault]} (log of ${id})`],
    );
    const signed = heads[0]?.checkpoint?.time;
    // A hub that runs signs every log once a day at the least.
    const late =
      signed !== undefined && runningHub(config.dataDir) !== undefined && since(signed) > LOOKED * DAY;
    return {
      ok: faults.length === 0 && !late,
      detail:
        faults.join("; ") ||
        `${heads.length} logs end as signed, ${signed === undefined ? "nothing signed yet" : `${ageOf(signed)} ago`}; ${witness === undefined ? `no checkpoint outside to compare with in ${config.dataDir}` : "the checkpoint outside agrees"}`,
      advice: late ? "the hub runs and signs nothing: its log says why" : VERIFY,
    };
  },
  async integrity(rooms) {
    const last = await rooms.database.inController(HUB, (tx) => lastOfStanding(tx, "integrity", HUB));
    const found = Number(last?.facts.faults ?? 0);
    const overdue = await isOverdue(rooms, HUB, last?.time);
    const codes = Object.entries(last?.facts ?? {}).filter(([name]) => name.includes("/"));
    return {
      ok: found === 0 && !overdue,
      detail:
        last === undefined
          ? "not checked yet; a running hub does it every night"
          : `checked ${ageOf(last.time)} ago: ${counted(Number(last.facts.events), "event", "events")} of ${counted(Number(last.facts.logs), "log", "logs")}, ${found === 0 ? "no fault" : codes.map(([code, count]) => `${count} × ${code}`).join(", ")}; checkpoint outside ${last.facts.witness}`,
      advice: found > 0 ? VERIFY : NIGHTLY,
    };
  },
  async retention(rooms) {
    const lasts = await Promise.all(
      (await rooms.controllers()).map(async ({ id }) => {
        const last = await rooms.database.inController(id, (tx) => lastOfStanding(tx, "retention", id));
        return { time: last?.time, overdue: await isOverdue(rooms, id, last?.time) };
      }),
    );
    const overdue = lasts.filter((one) => one.overdue).length;
    const oldest = lasts.flatMap(({ time }) => time ?? []).sort()[0];
    const never = lasts.filter(({ time }) => time === undefined).length;
    return {
      ok: overdue === 0,
      detail: [
        oldest === undefined
          ? "not swept yet; a running hub does it every night"
          : `swept ${ageOf(oldest)} ago`,
        ...(oldest !== undefined && never > 0 ? [`${never} controllers never`] : []),
        ...(overdue === 0 ? [] : [`${overdue} controllers not for ${LOOKED} days`]),
      ].join("; "),
      advice: NIGHTLY,
    };
  },
} satisfies Checks;

const NIGHTLY =
  "the hub was up and did not do it: look for its errors in the log; while processing is stopped it waits, too";

const since = (time: string) => Date.now() - new Date(time).getTime();

/** Whether a hub was up, as its signatures show, for more than two days since it was last done, or could have been for the first time. */
async function isOverdue(
  { database }: Pick<Rooms, "database">,
  id: ControllerId,
  last: string | undefined,
): Promise<boolean> {
  const [signed] = await database.acrossControllers(
    "lethe_sequencer",
    ({ sql }) =>
      sql<{ at: string | null }[]>`select checkpointed_at as at from audit_log where controller_id = ${HUB}`,
  );
  if (signed?.at == null) return false;
  const from = last ?? (await createdAt(database, id));
  return new Date(signed.at).getTime() - new Date(from).getTime() > LOOKED * DAY;
}

async function createdAt(database: Database, id: ControllerId): Promise<string> {
  const [row] = await database.inController(id, ({ db }) =>
    db
      .select({ at: tables.controller.createdAt })
      .from(tables.controller)
      .where(eq(tables.controller.controllerId, id)),
  );
  return row?.at ?? new Date().toISOString();
}
