export type { SpanAttributes } from "./attributes.ts";
export {
  annotate,
  inShortSpan,
  inSpan,
  inTraceOf,
  isTracing,
  type OpenSpan,
  onBehalfOf,
  openRunSpan,
  renameSpan,
  traceId,
  traceSince,
  traceUuid,
} from "./spans.ts";
export { startTracing } from "./tracing.ts";
export { VERSION } from "./version.ts";
