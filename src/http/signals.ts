import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { verify } from "hono/jwt";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import { browserSecret, expressedBy, readSignals } from "#consent";
import type { Database } from "#database";
import { normaliseEmail } from "#identity";
import { subject } from "#kit";
import { ConnectionId, type ControllerId, LetheError } from "#schemas";
import type { KeyRing } from "#vault";
import { recordSignals, type SignalledPerson } from "#workflows";
import type { BodyReader } from "./body.ts";
import { inTime } from "./in-time.ts";
import { knownController } from "./known-controller.ts";

export interface SignalsOptions {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly bodies: BodyReader;
  /** Signals without a token that an address may send in a minute. */
  readonly perMinute: number;
  /** Whose request it is, for the limit. */
  readonly addressOf: (incoming: IncomingMessage) => string;
  /** Called when something was committed that a runtime or the audit log should look at. */
  readonly committed: () => void;
}

/** Bytes of a body: two consent strings, and who. */
export const MAX_SIGNALS = 40 * 1024;
/** Signals of one controller that may wait to be recorded. */
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
  const inTurn = oneByOne(LINE);
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
    const started = performance.now();
    const address = options.addressOf(incoming);
    await limit(address);
    const controllerId = await controllerOf(context.req.param("controller"));
    const { person, tcf, gpp } = parsed(await bodies.read(incoming).finally(() => bodies.done(incoming)));
    const keys = await ring.keys(controllerId);
    const token = /^Bearer (\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const secret =
      token === undefined ? "" : await database.inController(controllerId, (tx) => browserSecret(tx, keys));
    const vouched = token !== undefined && (await vouchesFor(token, secret, person));
    if (token !== undefined && !vouched) throw signalErrors.badToken();
    // The site itself is not held back.
    if (vouched) await limiter.reward(address);
    const { choices } = await readSignals({ gpc: context.req.header("sec-gpc"), tcf, gpp });
    const counting = choices.filter(({ state }) => vouched || state !== "granted");
    const now = Date.now();
    if (counting.length > 0)
      await inTurn(controllerId, () =>
        database.inController(controllerId, (tx) =>
          recordSignals(
            tx,
            keys,
            { ...signalled(person), vouched },
            counting.map((choice) => expressedBy(choice, now)),
          ),
        ),
      );
    options.committed();
    // The same, and at the same time, whether or not anybody is known by that: who is, is nobody's business.
    await inTime(started);
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

  async function controllerOf(given: string | undefined): Promise<ControllerId> {
    const id = await knownController(database, given);
    if (id === undefined) throw signalErrors.unknownController();
    return id;
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

/** Seconds until the end of a token that may be the furthest. */
const LIFETIME = 86_400;

/** A JWT (RFC 7519), HS256, with the same person in it, that ends within a day. */
async function vouchesFor(token: string, secret: string, person: Person): Promise<boolean> {
  const claims = await verify(token, secret, "HS256").catch(() => undefined);
  const named = Person.safeParse(claims?.person);
  const ends = claims?.exp;
  return (
    ends !== undefined && ends <= Date.now() / 1_000 + LIFETIME && named.success && isSame(named.data, person)
  );
}

function isSame(a: Person, b: Person): boolean {
  if ("email" in a || "email" in b)
    return "email" in a && "email" in b && normaliseEmail(a.email) === normaliseEmail(b.email);
  return a.connection === b.connection && a.customer === b.customer;
}

function signalled(person: Person): Omit<SignalledPerson, "vouched"> {
  return "email" in person
    ? { person: subject({ email: person.email }), connectionId: null }
    : { person: subject({ platformId: person.customer }), connectionId: person.connection };
}

/** One after the other for each controller, whose linking they would wait for anyway; a line of bounded length. */
function oneByOne(longest: number) {
  const lines = new Map<string, { last: Promise<unknown>; length: number }>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const line = lines.get(key) ?? { last: Promise.resolve(), length: 0 };
    if (line.length >= longest) throw signalErrors.busy();
    lines.set(key, line);
    line.length += 1;
    const mine = line.last.then(work, work);
    line.last = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      line.length -= 1;
      if (line.length === 0) lines.delete(key);
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
      "the token does not vouch for this person: it must be a JWT, HS256, signed with the secret of `lethe consents browser-secret`, with `person` as in the body and an `exp` within a day",
      { status: 401 },
    ),
  tooMany: () =>
    new LetheError("signals/too-many", "too many signals from this address; try again in a minute", {
      status: 429,
    }),
  busy: () => new LetheError("signals/busy", "too much at once; try again in a moment", { status: 503 }),
};
