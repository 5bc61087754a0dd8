import { serve } from "@hono/node-server";
import { Hono } from "hono";

/** The least that an HTTP hub could do: read the body and send it back. */
const app = new Hono().post("/", async (context) => context.body(await context.req.arrayBuffer()));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  process.stdout.write(`http://127.0.0.1:${port}\n`),
);
