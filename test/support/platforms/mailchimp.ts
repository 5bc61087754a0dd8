import { createHash, randomUUID } from "node:crypto";
import type { ConsentPurpose, ConsentState } from "#schemas";
import type { Fault, SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

type Status = "subscribed" | "unsubscribed" | "pending" | "cleaned" | "transactional" | "archived";

interface Member {
  /** Of the address in all of Mailchimp: what webhooks carry. */
  readonly uniqueEmailId: string;
  readonly email: string;
  readonly phone: string | undefined;
  status: Status;
  /** To the second, with a zone. */
  optedIn: string;
  lastChanged: string;
  readonly permissions: Map<string, boolean>;
  /** They left themselves, or complained: nobody but they can bring them back. */
  leftThemselves: boolean;
}

export interface SimulatedMailchimp extends SimulatedPlatform {
  /** The person ticks a marketing permission, or takes the tick away. The webhook of it says nothing about it. */
  tick(id: string, permission: string, enabled: boolean): void;
  isTicked(id: string, permission: string): boolean;
  /** Their address bounces: `cleaned`. */
  bounce(id: string): void;
  /** The company takes them out of the audience. */
  archive(id: string): void;
  /** Messages by which somebody was asked to confirm. */
  readonly confirmations: string[];
}

const STATUSES: Readonly<Record<ConsentState, Status>> = {
  granted: "subscribed",
  withdrawn: "unsubscribed",
  denied: "unsubscribed",
  pending: "pending",
  not_asked: "transactional",
};
const STATES: Readonly<Record<Status, ConsentState>> = {
  subscribed: "granted",
  unsubscribed: "withdrawn",
  pending: "pending",
  transactional: "not_asked",
  cleaned: "not_asked",
  archived: "not_asked",
};

const hashOf = (email: string) => createHash("md5").update(email.toLowerCase()).digest("hex");
const now = () => new Date().toISOString().replace(/\.\d+Z$/, "+00:00");

/**
 * An audience of Mailchimp's Marketing API 3.0 and its webhooks: https://mailchimp.com/developer/marketing/api/list-members/
 * and https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/ . Whoever is added as withdrawn was
 * unsubscribed by the company, so that the API may bring them back; who chooses it cannot be brought back.
 */
export function simulateMailchimp(
  options: { apiKey?: string; list?: string; permissions?: readonly string[] } = {},
): SimulatedMailchimp {
  const { apiKey = "0123456789abcdef0123456789abcdef-us21", list = "a6b5da1054" } = options;
  const host = `${apiKey.slice(apiKey.lastIndexOf("-") + 1)}.api.mailchimp.com`;
  const people = new Map<string, Member>();
  const requests: SimulatedRequest[] = [];
  const outbox: SimulatedWebhook[] = [];
  const confirmations: string[] = [];
  let fault: Fault | undefined;

  function known(id: string): Member {
    const member = people.get(id);
    if (member === undefined) throw new Error("nobody has that id");
    return member;
  }

  function become(member: Member, status: Status, reason = "manual") {
    if (member.status === status) return;
    Object.assign(member, { status, lastChanged: now() });
    if (status === "subscribed") member.optedIn = now();
    const type = { subscribed: "subscribe", unsubscribed: "unsubscribe", cleaned: "cleaned" }[
      status as string
    ];
    if (type !== undefined) outbox.push(webhook(type, list, member, reason));
  }

  function tick(member: Member, permission: string, enabled: boolean) {
    if (member.permissions.get(permission) === enabled) return;
    member.permissions.set(permission, enabled);
    member.lastChanged = now();
    outbox.push(webhook("profile", list, member, ""));
  }

  function patch(member: Member, body: string): Response {
    const { status, marketing_permissions: given = [] } = JSON.parse(body) as {
      status?: Status;
      marketing_permissions?: { marketing_permission_id: string; enabled: boolean }[];
    };
    if (status !== undefined && (!(status in STATES) || status === "archived"))
      return problem(400, "Invalid Resource", "The resource submitted could not be validated.");
    const gone = member.leftThemselves || member.status === "cleaned";
    if (status === "subscribed" && gone)
      return problem(
        400,
        "Member In Compliance State",
        `${member.email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.`,
      );
    if (status === "pending") confirmations.push(member.email);
    if (status !== undefined) become(member, status);
    for (const { marketing_permission_id: id, enabled } of given)
      if (member.permissions.has(id)) tick(member, id, enabled);
    return Response.json(shown(list, member));
  }

  function answer(method: string, url: URL, body: string): Response {
    const [, path, hash] = /^\/3\.0\/lists\/([^/]+)\/members(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    const fields = url.searchParams.get("fields")?.split(",");
    const nothing = problem(404, "Resource Not Found", "The requested resource could not be found.");
    if (path !== list) return nothing;
    if (hash === undefined) {
      const id = url.searchParams.get("unique_email_id");
      // Archived members are listed for who asks for their status alone.
      const found = [...people.values()].filter(
        (member) => (id === null || member.uniqueEmailId === id) && member.status !== "archived",
      );
      const of = fields?.map((field) => field.replace(/^members\./, ""));
      return method === "GET"
        ? Response.json({ members: found.map((member) => only(shown(list, member), of)) })
        : nothing;
    }
    const named = decodeURIComponent(hash).toLowerCase();
    const member = [...people.values()].find(({ email }) => hashOf(email) === named || email === named);
    if (member === undefined) return nothing;
    if (method === "GET") return Response.json(only(shown(list, member), fields));
    return method === "PATCH" ? patch(member, body) : nothing;
  }

  return {
    connector: "mailchimp",
    account: list,
    credentials: { apiKey },
    serves: (name) => name === host,
    async handle(request) {
      const { method, url, headers } = request;
      const body = await request.text();
      requests.push({ method, url, headers: Object.fromEntries(headers), body });
      if (fault === "cut") return Response.error();
      if (fault !== undefined) return problem(fault.status, "Refused", `${url} ${body}`, fault.retryAfter);
      const [scheme, given = ""] = headers.get("authorization")?.split(" ") ?? [];
      const key = Buffer.from(given, "base64").toString().split(":")[1];
      if (scheme !== "Basic" || key !== apiKey)
        return problem(401, "API Key Invalid", "Your API key may be invalid, or for another datacenter.");
      return answer(method, new URL(url), body);
    },
    requests,
    outbox,
    confirmations,
    fail(next) {
      fault = next;
    },
    add({ email, phone, held = {} }) {
      const uniqueEmailId = hashOf(`unique ${email}`).slice(0, 10);
      const month = new Date(Date.now() - 30 * 86_400_000).toISOString().replace(/\.\d+Z$/, "+00:00");
      people.set(uniqueEmailId, {
        ...{ uniqueEmailId, email: email.toLowerCase(), phone, leftThemselves: false },
        status: STATUSES[held.email_marketing ?? "not_asked"],
        optedIn: held.email_marketing === "granted" ? month : "",
        lastChanged: month,
        permissions: new Map(options.permissions?.map((id) => [id, false])),
      });
      return uniqueEmailId;
    },
    has: (id) => people.has(id),
    state: (id, purpose: ConsentPurpose) =>
      purpose === "email_marketing" ? STATES[known(id).status] : undefined,
    choose(id, purpose, state) {
      if (purpose !== "email_marketing") throw new Error("Mailchimp holds no such purpose");
      const member = known(id);
      member.leftThemselves = state === "withdrawn";
      become(member, STATUSES[state]);
    },
    tick: (id, permission, enabled) => tick(known(id), permission, enabled),
    isTicked: (id, permission) => known(id).permissions.get(permission) === true,
    bounce: (id) => become(known(id), "cleaned", "hard"),
    archive: (id) => become(known(id), "archived"),
  };
}

function shown(list: string, member: Member) {
  const permissions = [...member.permissions].map(([id, enabled]) => ({
    ...{ marketing_permission_id: id, text: "Email", enabled },
  }));
  return {
    id: hashOf(member.email),
    email_address: member.email,
    unique_email_id: member.uniqueEmailId,
    status: member.status,
    merge_fields: { FNAME: "Carla", PHONE: member.phone ?? "" },
    timestamp_opt: member.optedIn,
    last_changed: member.lastChanged,
    marketing_permissions: permissions,
    list_id: list,
  };
}

function only(shown: object, fields: readonly string[] | undefined): object {
  return fields === undefined
    ? shown
    : Object.fromEntries(Object.entries(shown).filter(([name]) => fields.includes(name)));
}

/** https://mailchimp.com/developer/marketing/docs/errors/ */
function problem(status: number, title: string, detail: string, retryAfter?: string): Response {
  const type = "https://mailchimp.com/developer/marketing/docs/errors/";
  return Response.json(
    { type, title, status, detail, instance: randomUUID() },
    {
      status,
      headers: {
        "content-type": "application/problem+json; charset=utf-8",
        ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
      },
    },
  );
}

/** A form with bracketed keys; the time to the second, in UTC without saying so. */
function webhook(
  type: string,
  list: string,
  { uniqueEmailId, email, phone }: Member,
  reason: string,
): SimulatedWebhook {
  const about =
    type === "cleaned"
      ? { list_id: list, campaign_id: "4fjk2ma9xd", reason, email }
      : {
          ...(type === "unsubscribe" ? { action: "unsub", reason } : {}),
          ...{ id: uniqueEmailId, list_id: list, email, email_type: "html" },
          ...{ "merges][EMAIL": email, "merges][PHONE": phone ?? "" },
        };
  const form = new URLSearchParams({
    type,
    fired_at: new Date().toISOString().slice(0, 19).replace("T", " "),
  });
  for (const [key, value] of Object.entries(about)) form.append(`data[${key}]`, value);
  return {
    headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": "MailChimp" },
    body: form.toString(),
  };
}
