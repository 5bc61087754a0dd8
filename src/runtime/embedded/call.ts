import { Ops, type Reply } from "./protocol.ts";
import type { Item } from "./queue.ts";

export type Handler = (request: Request) => Promise<Response>;

const BASE = "http://embedded.local/api/inngest";

/** One call to a function through the SDK's own fetch handler, in process: the wire protocol of a real server. */
export async function callFunction(handler: Handler, item: Item, maxAttempts: number): Promise<Reply> {
  const stack = item.steps.map(({ id }) => id);
  const response = await post(
    handler,
    `?fnId=${encodeURIComponent(item.functionId)}&stepId=${encodeURIComponent(item.stepId)}`,
    item,
    {
      version: stack.length === 0 ? -1 : 2,
      event: item.events[0] ?? {},
      events: item.events,
      steps: Object.fromEntries(item.steps.map(({ id, result }) => [id, result])),
      use_api: false,
      ctx: {
        run_id: item.runId,
        fn_id: item.functionId,
        attempt: item.attempt,
        max_attempts: maxAttempts,
        disable_immediate_execution: item.planning,
        use_api: false,
        qi_id: item.id,
        stack: { stack, current: stack.length },
      },
    },
  );
  const body: unknown = await response.json();
  const noRetry = response.headers.get("x-inngest-no-retry") === "true";
  const retryAfter = response.headers.get("retry-after");
  if (response.status === 200) return { kind: "result", output: body };
  if (response.status === 206) return { kind: "ops", ops: Ops.parse(body), noRetry, retryAfter };
  return { kind: "error", error: body, noRetry, retryAfter };
}

function post(handler: Handler, query: string, item: Item, body: unknown): Promise<Response> {
  return handler(
    new Request(BASE + query, {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        "content-type": "application/json",
        host: "embedded.local",
        "x-run-id": item.runId,
        "x-inngest-step-id": item.stepId,
        "x-inngest-server-kind": "dev",
        "x-request-id": item.lease,
      },
    }),
  );
}

/** Asks the handler for the configuration of its functions. */
export async function registerFunctions(handler: Handler): Promise<unknown> {
  const response = await handler(
    new Request(BASE, {
      method: "PUT",
      body: JSON.stringify({ url: BASE }),
      headers: {
        "content-type": "application/json",
        host: "embedded.local",
        "x-inngest-sync-kind": "in_band",
        "x-inngest-server-kind": "dev",
      },
    }),
  );
  return response.json();
}
