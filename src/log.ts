import { pino } from "pino";
import type { Config } from "#config";

/** Structured logs to standard error. Callers give codes, ids and counts; errors are described, never passed whole. */
export type Log = Pick<pino.Logger, "debug" | "info" | "warn" | "error">;

/**
 * Fields that may be logged; anything else is left out, so that a careless call cannot leak. `msg` texts are
 * constants in the code.
 */
const ALLOWED = new Set([
  "address",
  "attempt",
  "code",
  "connections",
  "connector",
  "controller",
  "count",
  "delivery",
  "embedded",
  "events",
  "function",
  "level",
  "message",
  "milliseconds",
  "method",
  "migrated",
  "msg",
  "outcome",
  "reason",
  "request",
  "retry",
  "route",
  "run",
  "runtime",
  "sdk",
  "signal",
  "status",
  "task",
  "time",
  "url",
  "where",
]);

/** Milliseconds in which the same warning is given once: while the database is away it would come every half second. */
const ONCE_IN = 30_000;

export function createLog(level: Config["logLevel"]): Log {
  const given = new Map<string, number>();
  const isNews = (fields: unknown, text: unknown) => {
    const code = typeof fields === "object" && fields !== null && "code" in fields ? fields.code : "";
    const key = `${code} ${text}`;
    const now = Date.now();
    const news = now - (given.get(key) ?? 0) > ONCE_IN;
    if (news) given.set(key, now);
    return news;
  };
  return pino(
    {
      level,
      base: null,
      hooks: {
        logMethod(args, method, severity) {
          if (severity !== pino.levels.values.warn || isNews(args[0], args[1])) method.apply(this, args);
        },
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => Object.fromEntries(Object.entries(fields).filter(([name]) => ALLOWED.has(name))),
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
