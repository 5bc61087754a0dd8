import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { v7 as uuidv7 } from "uuid";
import { describeError } from "#schemas";
import { annotate, inTraceOf, renameSpan } from "#telemetry";

/**
 * Each request begins a trace of its own, whatever it says of one (`traceparent`): it comes from outside. Only the
 * route's template is told, because paths and queries can hold secrets and people.
 */
export const traceRequests = (): MiddlewareHandler => (context, next) =>
  inTraceOf(uuidv7(), "request", async () => {
    await next();
    const { method } = context.req;
    const route = routePath(context);
    renameSpan(`${method} ${route}`);
    annotate({
      "http.request.method": method,
      "http.route": route,
      "http.response.status_code": context.res.status,
      "error.type": context.error && describeError(context.error).code,
    });
  });
