import { randomUUID } from "node:crypto";
import { z } from "zod";
import { isHeld } from "../switch.ts";

/** What a resume is announced as, by the outbox. */
const RESUMED = "processing/resumed";
/**
 * How long a run waits for that before it asks again. Only a resume that came between our answer and the server's noting of it
 * is missed, so this is how late a run may be then. A run may have 1,000 steps: enough for a week and a half.
 */
const ASK_AGAIN = "15m";

/**
 * Answers the server's calls while processing is stopped. A refusal (503 with Retry-After) would cost the run an attempt each
 * time (https://github.com/inngest/inngest/blob/main/pkg/execution/queue/process.go), and a stop that outlasts them would fail
 * it. So the run is told to wait for the resume, by an operation that is in no function: the SDK leaves aside what it does not
 * find in one. A step that was about to begin when the switch was thrown gets the same answer.
 *
 * While stopped the answer comes before the SDK has checked the call's signature. It is the same for everybody, holds nothing of
 * the run and does nothing, so whoever calls unsigned learns only that processing is stopped, which `/readyz` says too.
 */
export async function holdCall(
  method: string,
  isStopped: () => Promise<boolean>,
  call: () => Promise<Response>,
): Promise<Response> {
  if (method !== "POST") return call();
  if (await isStopped()) return new Response(JSON.stringify([wait()]), { status: 206, headers: HEADERS });
  const response = await call();
  return response.status === 206 ? heldBack(response) : response;
}

const Ops = z.array(
  z.looseObject({ op: z.string(), error: z.looseObject({ message: z.string() }).nullish().catch(null) }),
);

/** The answer, with the wait in the place of a step that the switch kept from beginning. */
async function heldBack(response: Response): Promise<Response> {
  const text = await response.text();
  const ops = Ops.safeParse(JSON.parse(text)).data ?? [];
  const held = ops.some(({ error }) => error != null && isHeld(error.message));
  const body = held ? JSON.stringify([...ops.filter(({ error }) => error == null), wait()]) : text;
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  if (held) for (const name of ["retry-after", "x-inngest-no-retry"]) headers.delete(name);
  return new Response(body, { status: response.status, headers });
}

/** As the SDK would answer `step.waitForEvent`; each under an id of its own. */
const wait = () => ({
  op: "WaitForEvent",
  id: randomUUID().replaceAll("-", ""),
  name: RESUMED,
  displayName: "processing is stopped",
  opts: { event: RESUMED, timeout: ASK_AGAIN },
});

/** What the server knows an SDK by. */
const HEADERS = {
  "content-type": "application/json",
  "x-inngest-sdk": "js:v4.24.0",
  "x-inngest-req-version": "2",
};
