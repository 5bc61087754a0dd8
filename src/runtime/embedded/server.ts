import { z } from "zod";
import type { Database } from "#database";
import { ingest } from "./events.ts";
import { Ops } from "./protocol.ts";
import { type Item, stillOurs } from "./queue.ts";
import { memoise } from "./runs.ts";

const IncomingEvents = z.union([
  z.array(
    z.object({
      id: z.string().nullish(),
      name: z.string(),
      data: z.record(z.string(), z.unknown()).optional(),
      ts: z.number().optional(),
    }),
  ),
  z
    .object({
      id: z.string().nullish(),
      name: z.string(),
      data: z.record(z.string(), z.unknown()).optional(),
      ts: z.number().optional(),
    })
    .transform((one) => [one]),
]);

/**
 * Answers, in process, what the SDK would ask an Inngest server over the network: events sent, and steps
 * checkpointed while a function goes on. Everything else is answered 501.
 */
export function localServer(options: {
  database: Database;
  /** What this process is working on, by queue item id. */
  working: ReadonlyMap<string, Item>;
  wake: () => void;
}): typeof fetch {
  const { database, working } = options;

  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const body: unknown = JSON.parse(String(init?.body ?? "null"));
    if (url.pathname.startsWith("/e/")) return json({ ids: await receive(body, init), status: 200 });
    if (/^\/v1\/checkpoint\/[^/]+\/async$/.test(url.pathname)) return checkpoint(body);
    return json({ error: `the embedded runtime does not serve ${url.pathname}` }, 501);
  };

  async function receive(body: unknown, init: RequestInit | undefined): Promise<string[]> {
    const events = IncomingEvents.parse(body).map(({ id, ...event }) => ({ ...event, id: id ?? undefined }));
    const seed = new Headers(init?.headers).get("x-inngest-event-id-seed");
    const ids = await database.acrossControllers("lethe_runtime", (tx) => ingest(tx, events, seed));
    options.wake();
    return ids;
  }

  /** 409 tells the SDK that somebody else has the run now: it stops at once. */
  async function checkpoint(body: unknown): Promise<Response> {
    const { qi_id: id, steps } = z.object({ qi_id: z.string(), steps: Ops }).parse(body);
    const item = working.get(id);
    if (item === undefined) return json({ error: "not ours" }, 409);
    const saved = await database.acrossControllers("lethe_runtime", async (tx) => {
      if (!(await stillOurs(tx, item))) return false;
      for (const step of steps)
        if (step.op === "StepRun") await memoise(tx, item, step.id, { data: step.data ?? null });
      return true;
    });
    return saved ? json({ ok: true }) : json({ error: "not ours" }, 409);
  }
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}
