import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Command } from "commander";
import { pushBacklog } from "#consent";
import { findPolicyFaults, knownMigrations, withSession } from "#database";
import { type Rooms, runningHub } from "#hub";
import { configured } from "#kit";
import { createMailer, rightsBacklog } from "#rights";
import { describeError, HUB } from "#schemas";
import { command, withRooms } from "./command.ts";
import { output, paint } from "./print.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A queue that waits longer, in seconds, or a log that lags by more events, is worth a look. */
const QUEUE_AGE = 300;
const AUDIT_LAG = 10_000;
const FREE_SPACE = 1024 ** 3;

export function doctorCommand(): Command {
  return command("doctor", "check the database, its policies, the keys, the queue and the log", [
    "doctor",
    "doctor --json",
  ]).action((options: { json?: boolean }) =>
    withRooms(async (rooms) => {
      const checks: Check[] = [];
      for (const [name, check] of Object.entries(CHECKS)) {
        try {
          checks.push({ name, ...(await check(rooms)) });
        } catch (error) {
          checks.push({ name, ok: false, detail: describeError(error).code });
        }
      }
      const ok = checks.every((check) => check.ok);
      output(options.json === true, { ok, checks }, ({ checks: rows }) =>
        rows
          .map(
            (row) =>
              `${row.ok ? paint("green", "ok  ") : paint("red", "FAIL")} ${row.name.padEnd(15)} ${row.detail}`,
          )
          .join("\n"),
      );
      if (!ok) process.exitCode = 1;
    }),
  );
}

type Result = Omit<Check, "name">;

const CHECKS: Record<string, (rooms: Rooms) => Promise<Result>> = {
  async hub({ config }) {
    const holder = runningHub(config.dataDir);
    return {
      ok: true,
      detail:
        holder === undefined
          ? "does not run on this data directory"
          : `runs at ${holder.url ?? "an address not yet known"} (process ${holder.pid})`,
    };
  },
  async database({ database, embedded }) {
    const [row] = await database.acrossControllers(
      "lethe_intake",
      ({ sql }) => sql<{ version: string }[]>`select current_setting('server_version') as version`,
    );
    return { ok: true, detail: `PostgreSQL ${row?.version}${embedded ? ", embedded" : ""}` };
  },
  async migrations() {
    // Opening the database brought it to this version, or refused.
    return { ok: true, detail: `${knownMigrations()} of ${knownMigrations()} applied` };
  },
  async policies({ server }) {
    const faults = await withSession(server, findPolicyFaults);
    return {
      ok: faults.length === 0,
      detail:
        faults.map(({ object, fault }) => `${object}: ${fault}`).join("; ") ||
        "row-level security holds on every table",
    };
  },
  async keys({ ring, controllers, master }) {
    const all = [{ id: HUB }, ...(await controllers())];
    await Promise.all(all.map(({ id }) => ring.keys(id)));
    return {
      ok: true,
      detail: `${all.length} key rings open with version ${master.current().version} of the master key (${master.source})`,
    };
  },
  async clock({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_intake",
      ({ sql }) => sql<{ ms: string }[]>`select extract(epoch from clock_timestamp()) * 1000 as ms`,
    );
    const skew = Math.abs(Date.now() - Number(row?.ms));
    return { ok: skew < 5_000, detail: `${Math.round(skew)} ms from the database's; signatures allow 300 s` };
  },
  async connectors({ connectors, refusedConnectors: refused }) {
    return {
      ok: refused.length === 0,
      detail:
        refused.map(({ code, message }) => `${message} [${code}]`).join("; ") || `${connectors.size} loaded`,
    };
  },
  /** A mapping that an older version took may not be one any more. */
  async configurations({ database, connectors }) {
    const rows = await database.acrossControllers(
      "lethe_intake",
      ({ sql }) => sql<{ id: string; connector: string; configuration: unknown }[]>`
      select id, connector, configuration from connection where status <> 'removed'`,
    );
    const configurable = rows.filter(
      ({ connector }) => connectors.get(connector)?.configuration !== undefined,
    );
    const faults = configurable.flatMap(({ id, connector, configuration }) => {
      const known = connectors.get(connector);
      try {
        if (known !== undefined) configured(known, configuration);
        return [];
      } catch (error) {
        return [`connection ${id}: ${describeError(error).message}`];
      }
    });
    return { ok: faults.length === 0, detail: faults.join("; ") || `${configurable.length} valid` };
  },
  async queue({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_runtime",
      ({ sql }) => sql<{ count: number; age: string | null }[]>`
      select count(*)::int as count, extract(epoch from now() - min(created_at)) as age from runtime_event where dispatched_at is null`,
    );
    const age = Math.round(Number(row?.age ?? 0));
    return {
      ok: age < QUEUE_AGE,
      detail: row?.count === 0 ? "nothing waits" : `${row?.count} events wait, the oldest for ${age} s`,
    };
  },
  /** Failures are somebody's to look at, and no fault of the hub; what nobody works on is. */
  async consent({ database, controllers }) {
    const counts = await Promise.all(
      (await controllers()).map(({ id }) => database.inController(id, pushBacklog)),
    );
    const sum = (of: (one: (typeof counts)[number]) => number) =>
      counts.reduce((total, one) => total + of(one), 0);
    const [stuck, failed, manual] = [sum((c) => c.stuck), sum((c) => c.failed), sum((c) => c.manual)];
    return {
      ok: stuck === 0,
      detail: `not brought in step: ${failed} failed, ${manual} left to a person (\`lethe consents pushes\`)${stuck === 0 ? "" : `; ${stuck} changes wait for hours, is the hub running?`}`,
    };
  },
  /** A deadline that passed is a finding; what waits for somebody is theirs to do. */
  async rights({ database, controllers }) {
    const counts = await Promise.all(
      (await controllers()).map(({ id }) => database.inController(id, rightsBacklog)),
    );
    const sum = (of: (one: (typeof counts)[number]) => number) =>
      counts.reduce((total, one) => total + of(one), 0);
    const overdue = sum((c) => c.overdue);
    return {
      ok: overdue === 0,
      detail: `${sum((c) => c.open)} requests open, ${overdue} overdue, ${sum((c) => c.waiting)} tasks left to a person (\`lethe rights list --open\`)`,
    };
  },
  async mail({ config }) {
    if (config.mail === undefined)
      return {
        ok: true,
        detail: "no mail server is set: people cannot verify by themselves (LETHE_SMTP_URL)",
      };
    const mailer = createMailer(config.mail);
    await mailer.verify().finally(() => mailer.close());
    return { ok: true, detail: "the mail server takes mail" };
  },
  async audit({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_sequencer",
      ({ sql }) => sql<{ lag: number }[]>`
      select count(*)::int as lag from audit_event e left join audit_sequencer s on true
      where s.controller_id is null or ((e.xid, e.id) > (s.watermark_xid, s.watermark_id) and e.id > s.floor_id)`,
    );
    return {
      ok: (row?.lag ?? 0) < AUDIT_LAG,
      detail: `${row?.lag ?? 0} events wait to be sealed; \`lethe audit verify\` checks the log itself`,
    };
  },
  async disk({ config }) {
    if (!existsSync(config.dataDir)) return { ok: true, detail: `${config.dataDir} is not there yet` };
    const { bavail, bsize } = await statfs(config.dataDir);
    return {
      ok: bavail * bsize > FREE_SPACE,
      detail: `${Math.round((bavail * bsize) / 1024 ** 3)} GiB free at ${config.dataDir}`,
    };
  },
};
