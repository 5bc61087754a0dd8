import { hash } from "node:crypto";
import type { IdGenerator } from "@opentelemetry/sdk-trace-base";

export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * A delivery's trace is its id: a UUID has the 16 bytes of a trace id, and its last 8 are the id of the trace's first
 * span. So whoever holds a delivery's id knows its trace, and nothing has to be carried from the door through the
 * database and a workflow server to the run that processes it.
 */
export function idsOf(uuid: string): SpanIds {
  const traceId = uuid.replaceAll("-", "");
  return { traceId, spanId: traceId.slice(16) };
}

/** The UUID that a trace id was made from. */
export function uuidOf(traceId: string): string {
  return traceId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The trace of a run that is not about one delivery. An Inngest server's run ids are ULIDs, ours UUIDs. */
export function traceOfRun(runId: string): string {
  return hash("sha256", runId).slice(0, 32);
}

export interface ChosenIds extends IdGenerator {
  /** The span that is started has these ids, as far as they are given. */
  having<T>(ids: Partial<SpanIds>, start: () => T): T;
}

/** Random ids, except for a span that is to have certain ones. */
export function chooseIds(random: IdGenerator): ChosenIds {
  let wanted: Partial<SpanIds> = {};
  return {
    generateTraceId: () => wanted.traceId ?? random.generateTraceId(),
    generateSpanId: () => wanted.spanId ?? random.generateSpanId(),
    having(ids, start) {
      wanted = ids;
      try {
        return start(); // a span is started synchronously: nobody else's can take these
      } finally {
        wanted = {};
      }
    },
  };
}
