import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import {
  bundleOf,
  challengeOfLink,
  lockRequest,
  type Page,
  pages,
  provesLink,
  readLink,
  rightsSettings,
  takeBundle,
  useChallenge,
} from "#rights";
import { LetheError, RightsRequestId } from "#schemas";
import { knownController } from "./known-controller.ts";
import { confirmed, type RightsRoutesOptions } from "./rights.ts";

type Bound = Context<{ Bindings: HttpBindings }>;

/**
 * Where the links of our messages lead. What does something is a POST, by a button: programs that look into mail follow
 * links. The secret in the address is of one use, or of one file.
 */
export function linkRoutes(
  options: RightsRoutesOptions,
  limited: (context: Bound) => Promise<void>,
): Hono<{ Bindings: HttpBindings }> {
  const { database, ring, committed } = options;
  const routes = new Hono<{ Bindings: HttpBindings }>();

  routes.get("/rights/verify/:token", (context) => verify(context, false));
  routes.post("/rights/verify/:token", (context) => verify(context, true));
  routes.get("/rights/download/:token", (context) => download(context, false));
  routes.post("/rights/download/:token", (context) => download(context, true));
  return routes;

  async function verify(context: Bound, isMeant: boolean): Promise<Response> {
    await limited(context);
    const link = await proven(context, "verify");
    if (link === undefined) return show(context, pages.unknown());
    const { keys, controllerId, id } = link;
    const page = await database.inController(controllerId, async (tx) => {
      const { name: controller, timeZone } = await rightsSettings(tx);
      // The request is locked first, as by everybody; what was read of the challenge before may have changed by then.
      const named = await challengeOfLink(tx, id).catch(deadLink);
      const request = named && (await lockRequest(tx, named.requestId));
      const challenge = request && (await challengeOfLink(tx, id, { lock: true }).catch(deadLink));
      if (challenge === undefined || request === undefined) return pages.expired({ controller });
      if (challenge.usedAt !== null || request.status !== "verifying") return pages.used({ controller });
      const { kind } = request;
      if (!isMeant) return pages.confirm({ controller, kind });
      await useChallenge(tx, id);
      const { passphrase } = await confirmed(tx, keys, request);
      const after = await lockRequest(tx, request.id);
      const due = after?.dueAt == null ? undefined : { at: after.dueAt, timeZone };
      return pages.confirmed({ controller, kind, due, ...(passphrase !== undefined && { passphrase }) });
    });
    committed();
    return show(context, page);
  }

  async function download(context: Bound, isMeant: boolean): Promise<Response> {
    await limited(context);
    const link = await proven(context, "download");
    if (link === undefined) return show(context, pages.unknown());
    const { keys, controllerId, id } = link;
    const requestId = RightsRequestId.parse(id);
    return database.inController(controllerId, async (tx) => {
      const { name: controller, timeZone } = await rightsSettings(tx);
      const about = await bundleOf(tx, requestId);
      if (about === undefined) return show(context, pages.expired({ controller }));
      const { size: bytes, expiresAt } = about;
      if (!isMeant)
        return show(context, pages.download({ controller, bytes, expires: { at: expiresAt, timeZone } }));
      const file = await takeBundle(tx, keys, requestId);
      if (file === undefined) return show(context, pages.expired({ controller }));
      return context.body(new Uint8Array(file), 200, {
        "content-type": "application/zip",
        "content-disposition": 'attachment; filename="your-data.zip"',
        "referrer-policy": "no-referrer",
      });
    });
  }

  /** A link whose secret is right; undefined for any other, whichever part of it is wrong. */
  async function proven(context: Bound, what: "verify" | "download") {
    const link = readLink(context.req.param("token") ?? "");
    // Keys are asked for of controllers that there are: of any other there would be none, and they would be kept in memory.
    if (link === undefined || (await knownController(database, link.controllerId)) === undefined)
      return undefined;
    const keys = await ring.keys(link.controllerId);
    return provesLink(keys, what, link) ? { ...link, keys } : undefined;
  }
}

const show = (context: Bound, { html, status, headers }: Page): Response =>
  context.body(html, status, headers);

function deadLink(error: unknown): undefined {
  if (error instanceof LetheError && error.code === "rights/dead-link") return undefined;
  throw error;
}
