import { createHash, randomUUID } from "node:crypto";
import type { SimulatedWebhook } from "./simulated.ts";

export type Status = "subscribed" | "unsubscribed" | "pending" | "cleaned" | "transactional" | "archived";

export interface Member {
  /** Of the address in all of Mailchimp: what webhooks carry. */
  uniqueEmailId: string;
  email: string;
  readonly mergeFields: Record<string, unknown>;
  status: Status;
  /** To the second, with a zone. */
  optedIn: string;
  lastChanged: string;
  readonly permissions: Map<string, boolean>;
  /** What there is of them beside themselves. */
  readonly records: Readonly<Record<RecordsOf, object[]>>;
  /** They left themselves, or complained: nobody but they can bring them back. */
  leftThemselves: boolean;
}

export type RecordsOf = "tags" | "activity" | "events" | "notes" | "goals";

export const hashOf = (email: string) => createHash("md5").update(email.toLowerCase()).digest("hex");
export const uniqueIdOf = (email: string) => hashOf(`unique ${email}`).slice(0, 10);
export const now = () => new Date().toISOString().replace(/\.\d+Z$/, "+00:00");

export function shown(list: string, member: Member) {
  const permissions = [...member.permissions].map(([id, enabled]) => ({
    ...{ marketing_permission_id: id, text: "Email", enabled },
  }));
  return {
    id: hashOf(member.email),
    email_address: member.email,
    unique_email_id: member.uniqueEmailId,
    status: member.status,
    merge_fields: member.mergeFields,
    timestamp_opt: member.optedIn,
    last_changed: member.lastChanged,
    marketing_permissions: permissions,
    list_id: list,
    _links: [{ rel: "self", href: `https://us21.api.mailchimp.com/3.0/lists/${list}` }],
  };
}

/** An answer with the fields that were asked for; those of the objects in a collection are named after it. */
export function only(answer: object, query: URLSearchParams): object {
  const [fields, excluded] = [query.get("fields")?.split(","), query.get("exclude_fields")?.split(",") ?? []];
  const wanted = (path: string) =>
    !excluded.includes(path) && (fields?.some((one) => `${one}.`.startsWith(`${path}.`)) ?? true);
  const within = (object: object, prefix: string): object =>
    Object.fromEntries(
      Object.entries(object)
        .filter(([name]) => wanted(prefix + name) || fields?.includes(prefix.slice(0, -1)))
        .map(([name, value]) => [
          name,
          prefix === "" && Array.isArray(value)
            ? value.map((one) => (typeof one === "object" ? within(one, `${name}.`) : one))
            : value,
        ]),
    );
  return within(answer, "");
}

/** https://mailchimp.com/developer/marketing/docs/errors/ */
export function problem(status: number, title: string, detail: string, retryAfter?: string): Response {
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

export const nothing = () => problem(404, "Resource Not Found", "The requested resource could not be found.");

/** A form with bracketed keys; the time to the second, in UTC without saying so. */
export function webhook(type: string, about: Readonly<Record<string, string>>): SimulatedWebhook {
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

/** What a webhook says of a member (https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/). */
export function aboutMember(list: string, { uniqueEmailId, email, mergeFields }: Member) {
  return {
    ...{ id: uniqueEmailId, list_id: list, email, email_type: "html" },
    ...{ "merges][EMAIL": email, "merges][PHONE": String(mergeFields["PHONE"] ?? "") },
  };
}
