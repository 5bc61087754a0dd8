import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, Link, Span } from "@opentelemetry/api";
import { describeError } from "#schemas";
import { allowed, plain, type SpanAttributes } from "./attributes.ts";
import { idsOf, traceOfRun, uuidOf } from "./trace-ids.ts";
import type { Tracing } from "./tracing.ts";

/** OpenTelemetry's own number (`SpanStatusCode.ERROR`): its API is loaded only where there is tracing. */
export const ERROR = 2;

/**
 * Not OpenTelemetry's global tracer and context: the libraries that we use know those as well, and would put into
 * spans what they please. Undefined while nobody wants traces; then every function here only calls its work.
 */
let tracing: Tracing | undefined;
const current = new AsyncLocalStorage<Context>();

export function useTracing(used: Tracing | undefined): void {
  tracing = used;
}

export const isTracing = (): boolean => tracing !== undefined;

/** A span around `work`, if it is done within a trace. An error is noted by its code only. */
export function inSpan<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T> {
  const parent = tracing && current.getStore();
  if (tracing === undefined || parent === undefined) return work();
  const { tracer, api } = tracing;
  const span = tracer.startSpan(plain(name), { attributes: allowed(attributes) }, parent);
  return current.run(api.trace.setSpan(parent, span), () => ended(span, work()));
}

/** The same around work that is done at once. */
export function inShortSpan<T>(name: string, work: () => T): T {
  const parent = tracing && current.getStore();
  if (tracing === undefined || parent === undefined) return work();
  const span = tracing.tracer.startSpan(name, {}, parent);
  try {
    return work();
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** A span around `work` that begins the trace of this UUID: the one that a request's delivery will have for its id. */
export function inTraceOf<T>(uuid: string, name: string, work: () => Promise<T>): Promise<T> {
  if (tracing === undefined) return work();
  const { tracer, ids, api } = tracing;
  const span = ids.having(idsOf(uuid), () => tracer.startSpan(plain(name), { root: true }, api.ROOT_CONTEXT));
  return current.run(api.trace.setSpan(api.ROOT_CONTEXT, span), () => ended(span, work()));
}

/** What was done since `began` (`Date.now()`), as a trace of its own: for work that is mostly found not to be needed. */
export function traceSince(began: number, name: string, attributes: SpanAttributes): void {
  if (tracing === undefined) return;
  const options = { root: true, startTime: began, attributes: allowed(attributes) };
  tracing.tracer.startSpan(name, options, tracing.api.ROOT_CONTEXT).end();
}

/** Work for several deliveries in one: within the first one's trace, linked to the others'. */
export function onBehalfOf<T>(
  deliveries: () => readonly string[],
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  if (tracing === undefined) return work();
  const [first, ...others] = deliveries();
  if (first === undefined) return work();
  const parent = contextOf(tracing, first);
  const attributes = allowed({ "lethe.count": others.length + 1 });
  const span = tracing.tracer.startSpan(name, { attributes, links: linksTo(tracing, others) }, parent);
  return current.run(tracing.api.trace.setSpan(parent, span), () => ended(span, work()));
}

/** A span that somebody else ends, because what it is around may never return. */
export interface OpenSpan {
  /** Does work within it. */
  run<T>(work: () => T): T;
  /** Does work within a span of its own in it. */
  inStep<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  annotate(attributes: SpanAttributes): void;
  fail(error: unknown): void;
  end(): void;
}

/**
 * One call of a run: within the trace of the delivery that it is about, or, when there are several or none, in a
 * trace of its own, the same for all calls of the run, with links to theirs.
 */
export function openRunSpan(
  run: { readonly id: string; readonly deliveries: readonly string[] },
  name: string,
  attributes: SpanAttributes,
): OpenSpan | undefined {
  if (tracing === undefined) return undefined;
  const { tracer, ids, api } = tracing;
  const [only, second] = run.deliveries;
  const alone = only !== undefined && second === undefined;
  const options = { attributes: allowed(attributes) };
  const parent = alone ? contextOf(tracing, only) : api.ROOT_CONTEXT;
  const span = alone
    ? tracer.startSpan(plain(name), options, parent)
    : ids.having({ traceId: traceOfRun(run.id) }, () => {
        const links = linksTo(tracing, run.deliveries);
        return tracer.startSpan(plain(name), { ...options, links, root: true }, api.ROOT_CONTEXT);
      });
  const context = api.trace.setSpan(parent, span);
  return {
    run: (work) => current.run(context, work),
    inStep: (step, about, work) => current.run(context, () => inSpan(step, about, work)),
    annotate: (more) => void span.setAttributes(allowed(more)),
    fail: (error) => fail(span, error),
    end: () => span.end(),
  };
}

/** Adds to the span that we are in, if we are in one. */
export function annotate(attributes: SpanAttributes): void {
  if (tracing !== undefined) currentSpan()?.setAttributes(allowed(attributes));
}

/** Starts a span here that ends elsewhere. Undefined outside of a trace. */
export function startSpan(name: string, attributes: SpanAttributes): Span | undefined {
  const parent = tracing && current.getStore();
  if (tracing === undefined || parent === undefined) return undefined;
  return tracing.tracer.startSpan(name, { attributes: allowed(attributes) }, parent);
}

/** Gives the span that we are in another name. */
export function renameSpan(name: string): void {
  currentSpan()?.updateName(plain(name));
}

/** The id of the trace that we are in; undefined outside of one. */
export function traceId(): string | undefined {
  return tracing === undefined ? undefined : currentSpan()?.spanContext().traceId;
}

/** The UUID whose trace we are in: what arrives in a traced request takes it for its id. */
export function traceUuid(): string | undefined {
  const id = traceId();
  return id === undefined ? undefined : uuidOf(id);
}

/** Outside of any span: for what sends them. */
export const outsideOfSpans = <T>(work: () => T): T => current.exit(work);

const currentSpan = () => {
  const context = current.getStore();
  return context && tracing?.api.trace.getSpan(context);
};

async function ended<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Never `recordException`: an error's text and stack can quote what it choked on. */
function fail(span: Span, error: unknown): void {
  span.setAttributes(allowed({ "error.type": describeError(error).code }));
  span.setStatus({ code: ERROR });
}

/** The first span of a delivery's trace, as it was begun at the door, with the sampler's word on whether it is kept. */
function contextOf({ tracer, ids, api }: Tracing, uuid: string): Context {
  const begun = ids.having(idsOf(uuid), () => tracer.startSpan("", { root: true }, api.ROOT_CONTEXT));
  // Never ended, so never sent.
  return api.trace.setSpanContext(api.ROOT_CONTEXT, { ...begun.spanContext(), isRemote: true });
}

function linksTo(used: Tracing | undefined, deliveries: readonly string[]): Link[] {
  if (used === undefined) return [];
  return deliveries.flatMap((uuid) => {
    const context = used.api.trace.getSpanContext(contextOf(used, uuid));
    return context === undefined ? [] : [{ context }];
  });
}
