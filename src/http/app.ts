import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { didDocument } from "#audit";
import { type Database, eq, tables } from "#database";
import { type Admission, type Arrival, type Door, intakeErrors } from "#intake";
import { findStop } from "#runtime";
import { Did, describeError, HUB, LetheError } from "#schemas";
import { isTracing } from "#telemetry";
import type { KeyRing } from "#vault";
import { addressOf } from "./address.ts";
import { createBodyReader } from "./body.ts";
import type { Metrics } from "./metrics.ts";
import { problem } from "./problem.ts";
import { MAX_RIGHTS, rightsRoutes } from "./rights.ts";
import { MAX_SIGNALS, signalRoutes } from "./signals.ts";
import { traceRequests } from "./trace.ts";

export interface AppOptions {
  readonly door: Door;
  readonly database: Database;
  readonly ring: KeyRing;
  readonly metrics: Metrics;
  readonly maxBody: number;
  /** Signals that an address may send in a minute without a token. */
  readonly maxSignals: number;
  /** Requests of people who exercise a right that an address may send in a minute. */
  readonly maxRights: number;
  /** Whether there is a mail server. */
  readonly mails: boolean;
  /** Proxies in front of the hub, which say where a request is from. */
  readonly proxies: number;
  /** Called when something was committed that a runtime and the audit log should look at. */
  readonly committed: () => void;
  /** The hub's own address as platforms know it, without a slash at the end. */
  readonly url: () => string;
  readonly ready: () => boolean;
  /** Routes of the runtime: the Inngest server's way in. */
  readonly runtimeRoutes?: Hono | undefined;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
}

/** How many bodies of the largest size may be in memory at a time. */
const BODIES = 32;

/** Where others knock. How often the hub is asked for its health and its metrics is no story. */
const TRACED = ["/webhooks/*", "/signals/*", "/rights/*"];

export type App = Hono<{ Bindings: HttpBindings }>;

/** Every route of the hub. */
export function createApp(options: AppOptions): App {
  const { door, database, ring, metrics, log } = options;
  const bodies = createBodyReader(options.maxBody, BODIES * options.maxBody);
  const app: App = new Hono();
  app.onError((error, context) => {
    if (!(error instanceof LetheError)) log.error(describeError(error), "a request failed");
    return problem(context, error);
  });
  app.notFound((context) =>
    problem(context, new LetheError("http/not-found", "there is nothing at this address", { status: 404 })),
  );

  if (isTracing()) app.on("ALL", TRACED, traceRequests());

  app.on(["POST", "GET", "HEAD"], "/webhooks/:connector/:connection", (context) =>
    receive(context, (arrival) =>
      door.toConnection(context.req.param("connector"), context.req.param("connection"), arrival),
    ),
  );
  app.on(["POST", "GET", "HEAD"], "/webhooks/:connector", (context) =>
    receive(context, (arrival) => door.toAccount(context.req.param("connector"), arrival)),
  );
  app.all("/webhooks/*", (context) => {
    context.header("allow", "POST, GET, HEAD");
    return problem(context, intakeErrors.methodNotAllowed(["POST", "GET", "HEAD"]));
  });

  app.get("/healthz", (context) => context.json({ status: "alive" }));
  app.get("/readyz", async (context) => {
    // Stopped by the kill switch it is ready still: webhooks are taken.
    const [answers, processing] = await Promise.all([
      database
        .acrossControllers("lethe_intake", ({ sql }) => sql`select 1`)
        .then(() => true)
        .catch(() => false),
      database
        .acrossControllers("lethe_runtime", findStop)
        .then((stop) => (stop === undefined ? "running" : "stopped"))
        .catch(() => "unknown"),
    ]);
    const state = { database: answers, runtime: options.ready(), processing };
    return context.json(
      { status: state.database && state.runtime ? "ready" : "not ready", ...state },
      state.database && state.runtime ? 200 : 503,
    );
  });
  app.get("/metrics", async (context) =>
    context.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  );
  app.get("/.well-known/did.json", async (context) =>
    context.json(await findDidDocument(context.req.query("did")), 200, {
      "content-type": "application/did+json",
    }),
  );
  app.route(
    "/",
    signalRoutes({
      ...{ database, ring, committed: options.committed, perMinute: options.maxSignals },
      addressOf: (incoming) => addressOf(incoming, options.proxies),
      bodies: createBodyReader(MAX_SIGNALS, BODIES * MAX_SIGNALS),
    }),
  );
  app.route(
    "/",
    rightsRoutes({
      ...{ database, ring, committed: options.committed, perMinute: options.maxRights, mails: options.mails },
      addressOf: (incoming) => addressOf(incoming, options.proxies),
      bodies: createBodyReader(MAX_RIGHTS, BODIES * MAX_RIGHTS),
    }),
  );
  if (options.runtimeRoutes !== undefined) app.route("/", options.runtimeRoutes);
  return app;

  async function receive(
    context: Context<{ Bindings: HttpBindings }>,
    admit: (arrival: Arrival) => Promise<Admission>,
  ): Promise<Response> {
    const started = performance.now();
    // Node's own request: to make one of the Fetch API costs as much as to verify it.
    const { incoming } = context.env;
    const admission = await admit({
      head: {
        method: incoming.method ?? "",
        url: options.url() + (incoming.url?.startsWith("/") === true ? incoming.url : "/"),
        header: (name) => headerOf(incoming, name),
      },
      address: addressOf(incoming, options.proxies),
      body: () => bodies.read(incoming),
    }).finally(() => bodies.done(incoming));
    metrics.observeDuration((performance.now() - started) / 1_000);
    return answer(context, admission);
  }

  async function findDidDocument(wanted: string | undefined) {
    const did = wanted === undefined ? undefined : Did.safeParse(wanted).data;
    const [row] = await database.acrossControllers("lethe_intake", ({ db }) =>
      db
        .select({ id: tables.controller.controllerId, did: tables.controller.did })
        .from(tables.controller)
        .where(
          wanted === undefined
            ? eq(tables.controller.controllerId, HUB)
            : eq(tables.controller.did, did ?? ("" as Did)),
        ),
    );
    if (row === undefined)
      throw new LetheError("http/unknown-did", "this hub has no controller of that DID", { status: 404 });
    return didDocument(row.did, (await ring.keys(row.id)).checkpointKeys);
  }
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Platforms look at the status only (WooCommerce's ping wants exactly 200); the body is for the engineer with curl. */
function answer(context: Context, admission: Admission): Response {
  if (admission.kind === "method_not_allowed") {
    context.header("allow", admission.allowed.join(", "));
    return problem(context, intakeErrors.methodNotAllowed(admission.allowed));
  }
  return context.json(
    "deliveryId" in admission && admission.kind === "accepted"
      ? { status: "accepted", delivery: admission.deliveryId }
      : { status: admission.kind },
  );
}
