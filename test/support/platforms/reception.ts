import type { Fault, SimulatedApi, SimulatedRequest } from "./simulated.ts";

type Shared = Pick<SimulatedApi, "requests" | "handle" | "fail">;

/** What every simulated platform does with a request before it looks at it: remember it, and fail if it is told to. */
export function reception(answer: (request: SimulatedRequest) => Response | Promise<Response>): Shared {
  const requests: SimulatedRequest[] = [];
  let fault: Fault | undefined;
  return {
    requests,
    fail(next) {
      fault = next;
    },
    async handle(request) {
      const { method, url } = request;
      const headers = Object.fromEntries(request.headers);
      const asked = { method, url, headers, body: await request.text() };
      requests.push(asked);
      if (fault === "cut") return broken();
      if (fault === undefined) return answer(asked);
      const wait = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
      // As a fault may have it, with what was asked in the answer.
      return json({ error: asked.body, url }, { status: fault.status, headers: wait });
    },
  };
}

export const json = (body: unknown, init: { status?: number; headers?: Record<string, string> } = {}) =>
  new Response(JSON.stringify(body), {
    status: init.status ?? 200,
    headers: { "content-type": "application/json", ...init.headers },
  });

/**
 * What breaks the connection. `Response.error()` would be taken for an answer in a process with an HTTP server of Hono's,
 * which puts its own class in the place of `Response`.
 */
const broken = () => Object.defineProperty(new Response(), "type", { value: "error" });
