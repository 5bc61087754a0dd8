import { createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { z } from "zod";
import type { ControllerTransaction, Database } from "#database";
import { foldEmail, normaliseEmail } from "#identity";
import {
  GivenCorrections,
  lockRequest,
  passphraseFor,
  type RightsRequest,
  rightsErrors,
  rightsSettings,
  tryCode,
} from "#rights";
import { type ControllerId, LetheError, RightsKind, RightsRequestId } from "#schemas";
import type { ControllerKeys, KeyRing } from "#vault";
import { openRights, verifyRights } from "#workflows";
import type { BodyReader } from "./body.ts";
import { inTime } from "./in-time.ts";
import { knownController } from "./known-controller.ts";
import { limiter } from "./limits.ts";
import { linkRoutes } from "./rights-links.ts";

export interface RightsRoutesOptions {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly bodies: BodyReader;
  /** Requests and codes that an address may send in a minute. */
  readonly perMinute: number;
  /** Whether there is a mail server: without one nobody can verify. */
  readonly mails: boolean;
  readonly addressOf: (incoming: IncomingMessage) => string;
  readonly committed: () => void;
}

/** Bytes of a body: who, what, and what is to be corrected. */
export const MAX_RIGHTS = 16 * 1024;
/** Messages in an hour that anybody may have sent to one mailbox, by whichever controllers. */
const PER_MAILBOX = 5;

/** By which law it is answered is the controller's to say: one that is answered without proof is not for anybody to choose. */
const Asked = z.strictObject({
  kind: RightsKind,
  email: z.email().max(320),
  corrections: GivenCorrections.optional(),
});
const Code = z.strictObject({ code: z.string().max(40) });

type Bound = Context<{ Bindings: HttpBindings }>;

/**
 * Where people exercise their rights, by the controller's own page or any program. Public: nothing is done, or told, before
 * whoever has the address confirms; and whether anybody is known by it shows nowhere.
 */
export function rightsRoutes(options: RightsRoutesOptions): Hono<{ Bindings: HttpBindings }> {
  const { database, ring, bodies, committed } = options;
  const allowed = limiter(options.perMinute, 60);
  const allowedFor = limiter(PER_MAILBOX, 3_600);
  // No address stands in memory for an hour.
  const limitKey = randomBytes(32);
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.route("/", linkRoutes(options, limited));
  const anyOrigin = cors({
    origin: "*",
    allowMethods: ["POST"],
    allowHeaders: ["content-type"],
    maxAge: 86_400,
  });
  for (const path of ["/rights/:controller", "/rights/:controller/:request/verify"]) {
    routes.use(path, anyOrigin);
    routes.all(path, (context, next) => {
      if (context.req.method === "POST") return next();
      context.header("allow", "POST");
      throw new LetheError("http/method-not-allowed", "requests are made with POST", { status: 405 });
    });
  }
  routes.post("/rights/:controller", ask);
  routes.post("/rights/:controller/:request/verify", verify);
  return routes;

  async function limited({ env }: Bound): Promise<void> {
    if (!(await allowed(options.addressOf(env.incoming)))) throw tooMany();
  }

  async function ask(context: Bound): Promise<Response> {
    const started = performance.now();
    await limited(context);
    const controllerId = await controllerOf(context);
    const { kind, email, corrections } = await body(context, Asked);
    if (!options.mails) throw noMail();
    if (kind === "rectification" && corrections === undefined) throw rightsErrors.noCorrections();
    const keys = await ring.keys(controllerId);
    const mailbox = mailboxOf(email);
    if (mailbox === undefined) throw rightsErrors.badAddress();
    const mayWrite = await allowedFor(createHmac("sha256", limitKey).update(mailbox).digest("base64"));
    // A request is recorded, or joined, however often somebody asked in its person's name: only the message waits. Each
    // correction is a request, and so a message, of its own: of these there are no more than may be written of.
    if (!mayWrite && kind === "rectification") throw tooMany();
    const { id } = await database.inController(controllerId, async (tx) =>
      openRights(
        tx,
        keys,
        {
          ...{ source: "api", actor: "person", kind, scope: "subject" },
          regime: (await rightsSettings(tx)).regime,
          ...{ subjectId: null, connectionId: null, delivery: null, platformDays: null },
          details: {
            ...{ emails: [email], phones: [], platformIds: [], region: null },
            corrections: corrections ?? null,
          },
          receivedAt: new Date().toISOString(),
        },
        { quietly: !mayWrite },
      ),
    );
    committed();
    await inTime(started);
    // The same for everybody, whether known or not, and whether it is the first such request or joins one.
    return context.json({ request: id, status: "received" }, 202);
  }

  async function verify(context: Bound): Promise<Response> {
    const started = performance.now();
    await limited(context);
    const controllerId = await controllerOf(context);
    const { code } = await body(context, Code);
    const requestId = RightsRequestId.safeParse(context.req.param("request"));
    if (!requestId.success) throw rightsErrors.wrongCode();
    const keys = await ring.keys(controllerId);
    const verified = await database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, requestId.data);
      if (request?.status !== "verifying") return "wrong";
      const tried = await tryCode(tx, keys, request.id, code);
      return tried === "right" ? confirmed(tx, keys, request) : tried;
    });
    committed();
    await inTime(started);
    if (verified === "wrong") throw rightsErrors.wrongCode();
    if (verified === "spent") throw rightsErrors.spentCode();
    return context.json({ status: "verified", ...verified });
  }

  async function controllerOf(context: Bound): Promise<ControllerId> {
    const id = await knownController(database, context.req.param("controller"));
    if (id !== undefined) return id;
    throw new LetheError("rights/unknown-controller", "this hub has no such controller", { status: 404 });
  }

  async function body<T extends z.ZodType>({ env }: Bound, schema: T): Promise<z.output<T>> {
    const bytes = await bodies.read(env.incoming).finally(() => bodies.done(env.incoming));
    const parsed = schema.safeParse(readJson(bytes));
    if (parsed.success) return parsed.data;
    // Places only: the values are a person's.
    const places = parsed.error.issues.map(({ path }) => path.join(".") || "the body");
    throw new LetheError(
      "rights/bad-body",
      `the body must be JSON such as {"kind": "erasure", "email": "…"} or {"code": "…"}; wrong: ${[...new Set(places)].join(", ")}`,
      { status: 400 },
    );
  }
}

/** They are who they say. What was collected for them is encrypted with a passphrase, which they see now and never again. */
export async function confirmed(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
): Promise<{ readonly kind: RightsKind; readonly passphrase?: string }> {
  const { kind } = request;
  await verifyRights(tx, keys, request, "email", { actor: "person" });
  const hasFile = kind === "access" || kind === "portability";
  return { kind, ...(hasFile && { passphrase: passphraseFor(keys, request.id) }) };
}

/** Where a message to an address probably ends up: many servers deliver name+tag to name. For counting only. */
function mailboxOf(email: string): string | undefined {
  const address = normaliseEmail(email);
  return address && (foldEmail(address) ?? address.replace(/^([^+]+)\+.*@/, "$1@"));
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

const tooMany = () =>
  new LetheError("rights/too-many", "too many requests; try again later", { status: 429 });
const noMail = () =>
  new LetheError(
    "rights/no-mail",
    "this hub cannot send messages, so that nobody can confirm a request here; ask the company itself (its operator sets LETHE_SMTP_URL and LETHE_MAIL_FROM)",
    { status: 503 },
  );
