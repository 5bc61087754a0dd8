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
  "retry",
  "route",
  "run",
  "runtime",
  "sdk",
  "signal",
  "status",
  "time",
  "url",
  "where",
]);

export function createLog(level: Config["logLevel"]): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => Object.fromEntries(Object.entries(fields).filter(([name]) => ALLOWED.has(name))),
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
