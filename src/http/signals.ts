import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { verify } from "hono/jwt";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import { browserSecret, expressedBy, readSignals } from "#consent";
import { type Database, eq, tables } from "#database";
import { subject } from "#kit";
import { ConnectionId, ControllerId, HUB, LetheError } from "#schemas";
import type { KeyRing } from "#vault";
import { recordSignals, type SignalledPerson } from "#workflows";
import type { BodyReader } from "./body.ts";

export interface SignalsOptions {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly bodies: BodyReader;
  /** Signals without a token that an address may send in a minute. */
  readonly perMinute: number;
  /** Called when something was committed that a runtime or the audit log should look at. */
  readonly committed: () => void;
}

/** Bytes of a body: two consent strings, and who. */
export const MAX_SIGNALS = 40 * 1024;
/** Signals that are recorded at a time: pages must not take the sessions that deliveries are stored with. */
const AT_ONCE = 4;
const LINE = 64;

/** Global Privacy Control Support Resource (https://www.w3.org/TR/gpc/#gpc-support-resource); the day since when this holds. */
const GPC_SUPPORT = { gpc: true, lastUpdate: "2026-11-21" };

const Person = z.union([
  z.strictObject({ email: z.email().max(320) }),
  z.strictObject({ connection: ConnectionId, customer: z.string().min(1).max(200) }),
]);
type Person = z.output<typeof Person>;

const Body = z.strictObject({ person: Person, tcf: z.string().optional(), gpp: z.string().optional() });

/**
 * Where browsers say what people choose about their data: `Sec-GPC: 1`, TCF and GPP strings. It is public, so that
 * anybody may opt anybody out; to consent for somebody takes a token of the controller's own site.
 */
export function signalRoutes(options: SignalsOptions): Hono<{ Bindings: HttpBindings }> {
  const { database, ring, bodies } = options;
  const limiter = new RateLimiterMemory({ points: options.perMinute, duration: 60 });
  const recordInTurn = inTurn(AT_ONCE, LINE);
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.get("/.well-known/gpc.json", (context) => context.json(GPC_SUPPORT));
  routes.use(
    "/signals/:controller",
    // Pages of any origin may send: nothing is told that they did not say themselves.
    cors({
      origin: "*",
      allowMethods: ["POST"],
      allowHeaders: ["content-type", "authorization"],
      maxAge: 86_400,
    }),
  );
  routes.post("/signals/:controller", receive);
  routes.all("/signals/:controller", () => {
    throw new LetheError("http/method-not-allowed", "signals are sent with POST", { status: 405 });
  });
  return routes;

  async function receive(context: Context<{ Bindings: HttpBindings }>): Promise<Response> {
    const { incoming } = context.env;
    const token = /^Bearer (\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const address = incoming.socket.remoteAddress ?? "unknown";
    if (token === undefined) await limit(address);
    const controllerId = await knownController(context.req.param("controller"));
    const { person, tcf, gpp } = parsed(await bodies.read(incoming).finally(() => bodies.done(incoming)));
    const keys = await ring.keys(controllerId);
    const vouched = token !== undefined && (await vouchesFor(token, browserSecret(keys), person));
    if (token !== undefined && !vouched) {
      await limit(address);
      throw signalErrors.badToken();
    }
    const { choices } = await readSignals({ gpc: context.req.header("sec-gpc"), tcf, gpp });
    const counting = choices.filter(({ state }) => vouched || state !== "granted");
    const now = Date.now();
    if (counting.length > 0)
      await recordInTurn(async () => {
        await database.inController(controllerId, (tx) =>
          recordSignals(
            tx,
            keys,
            signalled(person),
            counting.map((choice) => expressedBy(choice, now)),
          ),
        );
        options.committed();
      });
    // The same whether or not anybody is known by that: who is, is nobody's business.
    return context.json({
      recorded: counting.map(({ purpose, state }) => ({ purpose, state })),
      ignored: choices
        .filter((choice) => !counting.includes(choice))
        .map(({ purpose, state }) => ({ purpose, state, reason: "no_token" })),
    });
  }

  async function limit(address: string): Promise<void> {
    const allowed = await limiter.consume(address).then(
      () => true,
      () => false,
    );
    if (!allowed) throw signalErrors.tooMany();
  }

  async function knownController(given: string | undefined): Promise<ControllerId> {
    const id = ControllerId.safeParse(given);
    const [row] =
      id.success && id.data !== HUB
        ? await database.acrossControllers("lethe_intake", ({ db }) =>
            db
              .select({ id: tables.controller.controllerId })
              .from(tables.controller)
              .where(eq(tables.controller.controllerId, id.data)),
          )
        : [];
    if (row === undefined) throw signalErrors.unknownController();
    return row.id;
  }
}

function parsed(bytes: Uint8Array): z.output<typeof Body> {
  const body = Body.safeParse(readJson(bytes));
  if (body.success) return body.data;
  // Places only: the values are a person's.
  const places = body.error.issues.map(({ path }) => path.join(".") || "the body");
  throw signalErrors.unreadable([...new Set(places)]);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw signalErrors.unreadable(["the body"]);
  }
}

/** A JWT (RFC 7519), HS256, with the same person in it and a time when it ends. */
async function vouchesFor(token: string, secret: string, person: Person): Promise<boolean> {
  const claims = await verify(token, secret, "HS256").catch(() => undefined);
  const named = Person.safeParse(claims?.person);
  return claims?.exp !== undefined && named.success && JSON.stringify(named.data) === JSON.stringify(person);
}

function signalled(person: Person): SignalledPerson {
  return "email" in person
    ? { person: subject({ email: person.email }), connectionId: null }
    : { person: subject({ platformId: person.customer }), connectionId: person.connection };
}

/** A few at a time, and a line of bounded length. */
function inTurn(limit: number, longest: number) {
  const line: (() => void)[] = [];
  let running = 0;
  return async (work: () => Promise<void>): Promise<void> => {
    if (line.length >= longest) throw signalErrors.busy();
    if (running >= limit) await new Promise<void>((turn) => line.push(turn));
    running += 1;
    try {
      await work();
    } finally {
      running -= 1;
      line.shift()?.();
    }
  };
}

const signalErrors = {
  unreadable: (places: readonly string[]) =>
    new LetheError(
      "signals/bad-body",
      `the body must be JSON such as {"person": {"email": "…"}, "tcf": "…", "gpp": "…"}; wrong: ${places.join(", ")}`,
      { status: 400 },
    ),
  unknownController: () =>
    new LetheError("signals/unknown-controller", "this hub has no such controller", { status: 404 }),
  badToken: () =>
    new LetheError(
      "signals/bad-token",
      "the token does not vouch for this person: it must be a JWT, HS256, signed with the secret of `lethe consents browser-secret`, with `person` as in the body and `exp` in the future",
      { status: 401 },
    ),
  tooMany: () =>
    new LetheError("signals/too-many", "too many signals from this address; try again in a minute", {
      status: 429,
    }),
  busy: () => new LetheError("signals/busy", "too much at once; try again in a moment", { status: 503 }),
};
