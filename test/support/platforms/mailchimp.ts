import type { ConsentPurpose, ConsentState } from "#schemas";
import {
  aboutMember,
  hashOf,
  type Member,
  nothing,
  now,
  only,
  problem,
  type RecordsOf,
  type Status,
  shown,
  uniqueIdOf,
  webhook,
} from "./mailchimp-wire.ts";
import type { Fault, SimulatedPlatform, SimulatedRequest, SimulatedWebhook } from "./simulated.ts";

export interface SimulatedMailchimp extends SimulatedPlatform {
  /** The person ticks a marketing permission, or takes the tick away. The webhook of it says nothing about it. */
  tick(id: string, permission: string, enabled: boolean): void;
  isTicked(id: string, permission: string): boolean;
  /** Their address bounces: `cleaned`. */
  bounce(id: string): void;
  /** The company takes them out of the audience. */
  archive(id: string): void;
  /** What there is of a member beside themselves; to be added to. */
  records(id: string): Readonly<Record<RecordsOf, object[]>>;
  /** Addresses that were deleted for good, and cannot be brought back. */
  readonly forgotten: ReadonlySet<string>;
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
  const forgotten = new Set<string>();
  let fault: Fault | undefined;

  function known(id: string): Member {
    const member = people.get(id);
    if (member === undefined) throw new Error("nobody has that id");
    return member;
  }

  function report(type: string, member: Member, reason = "manual", action = "unsub") {
    const why = type === "unsubscribe" ? { action, reason } : {};
    outbox.push(webhook(type, { ...why, ...aboutMember(list, member) }));
  }

  function become(member: Member, status: Status, reason = "manual") {
    if (member.status === status) return;
    Object.assign(member, { status, lastChanged: now() });
    if (status === "subscribed") member.optedIn = now();
    const type = { subscribed: "subscribe", unsubscribed: "unsubscribe", cleaned: "cleaned" }[
      status as string
    ];
    if (type === "cleaned")
      outbox.push(webhook(type, { list_id: list, campaign_id: "4fjk2ma9xd", reason, email: member.email }));
    else if (type !== undefined) report(type, member, reason);
  }

  function tick(member: Member, permission: string, enabled: boolean) {
    if (member.permissions.get(permission) === enabled) return;
    member.permissions.set(permission, enabled);
    member.lastChanged = now();
    report("profile", member);
  }

  function patch(member: Member, body: string): Response {
    const given = JSON.parse(body) as {
      status?: Status;
      email_address?: string;
      merge_fields?: Record<string, unknown>;
      marketing_permissions?: { marketing_permission_id: string; enabled: boolean }[];
    };
    const { status, email_address: email, merge_fields: fields = {} } = given;
    const invalid = problem(400, "Invalid Resource", "The resource submitted could not be validated.");
    if (status !== undefined && (!(status in STATES) || status === "archived")) return invalid;
    const { ADDRESS: address } = fields as { ADDRESS?: Record<string, string> };
    if (address && ["addr1", "city", "state", "zip"].some((part) => !address[part])) return invalid;
    const gone = member.leftThemselves || member.status === "cleaned";
    if (status === "subscribed" && gone)
      return problem(
        400,
        "Member In Compliance State",
        `${member.email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.`,
      );
    if (email !== undefined && email.toLowerCase() !== member.email) {
      if ([...people.values()].some((one) => one.email === email.toLowerCase()))
        return problem(400, "Member Exists", `${email} is already a list member.`);
      if (forgotten.has(hashOf(email)))
        return problem(400, "Forgotten Email Not Subscribed", `${email} was permanently deleted.`);
      move(member, email.toLowerCase());
    }
    if (status === "pending") confirmations.push(member.email);
    if (status !== undefined) become(member, status);
    // A tag that the audience does not have is passed over without a word.
    const known = Object.entries(fields).filter(([tag]) => tag in member.mergeFields);
    Object.assign(member.mergeFields, Object.fromEntries(known));
    if (known.length > 0) report("profile", member);
    for (const { marketing_permission_id: id, enabled } of given.marketing_permissions ?? [])
      if (member.permissions.has(id)) tick(member, id, enabled);
    return Response.json(shown(list, member));
  }

  function move(member: Member, email: string) {
    const [old, uniqueEmailId] = [member.email, uniqueIdOf(email)];
    people.delete(member.uniqueEmailId);
    people.set(uniqueEmailId, Object.assign(member, { email, uniqueEmailId, lastChanged: now() }));
    outbox.push(
      webhook("upemail", { list_id: list, new_id: uniqueEmailId, new_email: email, old_email: old }),
    );
  }

  function answer(method: string, url: URL, body: string): Response {
    const [, path, members, hash, more] =
      /^\/3\.0\/lists\/([^/]+)(\/members(?:\/([^/]+)(?:\/(.+))?)?)?$/.exec(url.pathname) ?? [];
    const query = url.searchParams;
    if (path !== list) return nothing();
    if (members === undefined) return method === "GET" ? Response.json({ id: list }) : nothing();
    if (hash === undefined) {
      const [id, status] = [query.get("unique_email_id"), query.get("status")];
      // Archived members are listed for who asks for their status alone.
      const found = [...people.values()].filter(
        (member) =>
          (id === null || member.uniqueEmailId === id) &&
          (status === null ? member.status !== "archived" : member.status === status),
      );
      return method === "GET"
        ? Response.json(only({ members: found.map((member) => shown(list, member)), _links: [] }, query))
        : nothing();
    }
    const named = decodeURIComponent(hash).toLowerCase();
    const member = [...people.values()].find(({ email }) => hashOf(email) === named || email === named);
    if (member === undefined) return nothing();
    if (method === "POST" && more === "actions/delete-permanent") {
      people.delete(member.uniqueEmailId);
      forgotten.add(hashOf(member.email));
      report("unsubscribe", member, "manual", "delete");
      return new Response(null, { status: 204 });
    }
    const title = more === "activity-feed" ? "activity" : more;
    if (method === "GET" && title !== undefined && title in member.records) {
      const [offset, count] = [
        Number(query.get("offset") ?? 0),
        Number(query.get("count") ?? (title === "goals" ? 50 : 10)),
      ];
      const some = member.records[title as RecordsOf].slice(offset, offset + Math.min(count, 1_000));
      return Response.json(only({ [title]: some, list_id: list, _links: [] }, query));
    }
    if (more !== undefined) return nothing();
    if (method === "GET") return Response.json(only(shown(list, member), query));
    return method === "PATCH" ? patch(member, body) : nothing();
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
    forgotten,
    fail(next) {
      fault = next;
    },
    add({ email, phone, held = {} }) {
      const uniqueEmailId = uniqueIdOf(email);
      const month = new Date(Date.now() - 30 * 86_400_000).toISOString().replace(/\.\d+Z$/, "+00:00");
      people.set(uniqueEmailId, {
        ...{ uniqueEmailId, email: email.toLowerCase(), leftThemselves: false },
        mergeFields: { FNAME: "Carla", LNAME: "", PHONE: phone ?? "", ADDRESS: "" },
        records: { tags: [], activity: [], events: [], notes: [], goals: [] },
        status: STATUSES[held.email_marketing ?? "not_asked"],
        optedIn: held.email_marketing === "granted" ? month : "",
        lastChanged: month,
        permissions: new Map(options.permissions?.map((id) => [id, false])),
      });
      return uniqueEmailId;
    },
    has: (id) => people.has(id),
    records: (id) => known(id).records,
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
