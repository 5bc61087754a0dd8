import { pushBacklog } from "#consent";
import { processingStatus } from "#hub";
import { configured } from "#kit";
import { createMailer, rightsBacklog } from "#rights";
import { describeError } from "#schemas";
import { ageOf, type Checks } from "./doctor-check.ts";
import { counted } from "./print.ts";

/** A queue that waits longer, in seconds, is worth a look. */
const QUEUE_AGE = 300;

export const WORK_CHECKS = {
  /** A finding, although somebody wanted it: legal clocks run on, and nobody else would be told. */
  async processing({ database }) {
    const { stop, waiting } = await processingStatus(database);
    return {
      ok: stop === undefined,
      detail:
        stop === undefined
          ? "goes on"
          : `STOPPED for ${ageOf(stop.since)} (${stop.reason}); ${counted(waiting, "event waits", "events wait")}, webhooks are taken`,
      advice:
        "`lethe processing resume` when what it was stopped for is over; deadlines of rights requests run on",
    };
  },
  /** That processing was resumed is no work: it waits in the outbox where no hub runs. */
  async queue({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_runtime",
      ({ sql }) => sql<{ events: number; age: string; due: number; late: string; failed: number }[]>`
      select o.*, q.*, (select count(*)::int from runtime_run where status = 'failed' and finished_at > now() - interval '1 day') as failed
      from (select count(*)::int as events, coalesce(extract(epoch from now() - min(created_at)), 0) as age
          from runtime_event where dispatched_at is null and name <> 'processing/resumed') o,
        (select count(*)::int as due, coalesce(extract(epoch from now() - min(run_at)), 0) as late
          from runtime_queue where run_at <= now() and lease is null) q`,
    );
    const [age, late] = [Math.round(Number(row?.age ?? 0)), Math.round(Number(row?.late ?? 0))];
    const waits = [
      ...(row?.events
        ? [`${counted(row.events, "event waits", "events wait")}, the oldest for ${age} s`]
        : []),
      ...(row?.due ? [`${counted(row.due, "call is due", "calls are due")}, the oldest for ${late} s`] : []),
    ];
    return {
      ok: age < QUEUE_AGE && late < QUEUE_AGE,
      detail: `${waits.join("; ") || "nothing waits"}; ${counted(row?.failed ?? 0, "run", "runs")} failed in a day`,
      advice:
        "start the hub, or another beside it; with an Inngest server, see that it can be reached; is processing stopped?",
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
      detail: `not brought in step: ${failed} failed, ${manual} left to a person (\`lethe consents pushes\`)${stuck === 0 ? "" : `; ${counted(stuck, "change waits", "changes wait")} for hours, is the hub running?`}`,
      advice: "start the hub; if it runs, look for its errors in the log, then `lethe consents retry`",
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
    const requests = counted(
      sum(({ open }) => open),
      "request",
      "requests",
    );
    const tasks = counted(
      sum(({ waiting }) => waiting),
      "task",
      "tasks",
    );
    return {
      ok: overdue === 0,
      detail: `${requests} open, ${overdue} overdue, ${tasks} left to a person (\`lethe rights list --open\`)`,
      advice: "answer them now: `lethe rights list --open` has the overdue ones first",
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
  async connectors({ connectors, refusedConnectors: refused }) {
    return {
      ok: refused.length === 0,
      detail:
        refused.map(({ code, message }) => `${message} [${code}]`).join("; ") || `${connectors.size} loaded`,
      advice: "mend the module, or take it out of LETHE_CONNECTORS, and start the hub anew",
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
    return {
      ok: faults.length === 0,
      detail: faults.join("; ") || `${configurable.length} valid`,
      advice: "correct it: `lethe connection update <connection> --configuration <file>`",
    };
  },
} satisfies Checks;
