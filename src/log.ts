import { pino } from "pino";
import type { Config } from "#config";
import { describeError } from "#schemas";
import { traceId } from "#telemetry";

/** Structured logs to standard error. Callers give codes, ids and counts; errors are described, never passed whole. */
export type Log = Record<"debug" | "info" | "warn" | "error", (fields: object, text: string) => void>;

/**
 * Fields that may be logged; anything else is left out, so that a careless call cannot leak, and so is whatever is in an
 * object. `message` is a text of an error catalogue, `msg` a constant of the code, `url` the hub's own.
 */
const ALLOWED = new Set([
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
  "push",
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
  "trace",
  "url",
  "where",
]);

/** Milliseconds in which the same warning of the same controller is given once: while the database is away it would come every half second. */
const ONCE_IN = 30_000;

export function createLog(
  level: Config["logLevel"],
  destination: pino.DestinationStream = pino.destination({ fd: 2, sync: true }),
): Log {
  const given = new Map<string, number>();
  const isNews = (fields: unknown, text: unknown) => {
    const { code = "", controller = "" } = { ...(fields as { code?: unknown; controller?: unknown }) };
    const key = `${code} ${controller} ${text}`;
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
        logMethod([fields, text], method, severity) {
          if (severity === pino.levels.values.warn && !isNews(fields, text)) return;
          // pino takes an error's own text for the message, and puts what else it is given into it.
          method.call(this, fields instanceof Error ? describeError(fields) : fields, text);
        },
      },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => Object.fromEntries(Object.entries(fields).filter(isAllowed)),
      },
      mixin: () => {
        const trace = traceId();
        return trace === undefined ? {} : { trace };
      },
    },
    destination,
  );
}

function isAllowed([name, value]: [string, unknown]): boolean {
  return ALLOWED.has(name) && (typeof value !== "object" || value === null) && typeof value !== "function";
}
