import { setTimeout } from "node:timers/promises";
import type { Tracer } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import { traceOutbound } from "./outbound.ts";
import { outsideOfSpans, useTracing } from "./spans.ts";
import { type ChosenIds, chooseIds } from "./trace-ids.ts";
import { VERSION } from "./version.ts";

export interface Tracing {
  readonly tracer: Tracer;
  readonly ids: ChosenIds;
  readonly api: typeof import("@opentelemetry/api");
}

/** OpenTelemetry's own code of an export that went well (`ExportResultCode.SUCCESS`). */
const SENT = 0;

/**
 * Sends traces to a collector (OTLP over HTTP, JSON) until it is stopped; what is left is sent then. Sampler, batches,
 * headers, and the resource's name and attributes are as OpenTelemetry's environment variables say. The SDK is
 * loaded here, because most hubs do without: it takes a tenth of a second.
 */
export async function startTracing(options: {
  /** Where to: `http://collector:4318/v1/traces`. */
  url: string;
  /** Called when spans could not be sent; they are lost. */
  onError: () => void;
}): Promise<{ stop(milliseconds: number): Promise<void> }> {
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const ids = chooseIds(new sdk.RandomIdGenerator());
  const provider = new sdk.BasicTracerProvider({
    idGenerator: ids,
    // No detector of hosts, processes or command lines: only what the operator has set.
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes({ "service.name": "lethe", "service.version": VERSION }))
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [
      new sdk.BatchSpanProcessor(unseen(new OTLPTraceExporter({ url: options.url }), options.onError)),
    ],
  });
  useTracing({ tracer: provider.getTracer("lethe", VERSION), ids, api });
  const quiet = traceOutbound();
  return {
    async stop(milliseconds) {
      quiet();
      useTracing(undefined);
      // A collector that is away keeps nobody from stopping.
      const sent = provider.shutdown().catch(options.onError);
      await Promise.race([sent, setTimeout(milliseconds, undefined, { ref: false })]);
    },
  };
}

/** An exporter whose own requests are in nobody's trace, and which says when it fails, but never of what. */
function unseen(exporter: SpanExporter, onError: () => void): SpanExporter {
  return {
    export: (spans: ReadableSpan[], done) =>
      outsideOfSpans(() =>
        exporter.export(spans, (result) => {
          if (result.code !== SENT) onError();
          done(result);
        }),
      ),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
