import type { SubjectRecord } from "#kit";
import { type ConnectionId, HUB, type IdentifierKind, Personal } from "#schemas";
import type { ControllerKeys } from "#vault";
import { foldEmail, normaliseEmail, normalisePhone } from "./normalise.ts";
import { pseudonym } from "./pseudonym.ts";

/** Scope of identifiers that mean the same everywhere; platform ids are scoped to their connection instead. */
export const EVERYWHERE = HUB;

export interface Identifier {
  readonly kind: IdentifierKind;
  readonly scope: string;
  readonly hash: Uint8Array;
}

/** Whom an event is about, by keyed hashes only (but for the platform's own ids, which are sealed when linked). */
export interface Claim {
  /** The delivery, or the act of a browser, that makes it. */
  readonly workflowId: string;
  /** The platform that makes it; null for what comes from elsewhere. */
  readonly connectionId: ConnectionId | null;
  /** Each belongs to one subject: two claims that share one are about the same person. */
  readonly strong: readonly Identifier[];
  /** May be shared: they suggest a link to a person who reviews it, and never make one. */
  readonly weak: readonly Identifier[];
  readonly platformIds: readonly { hash: Uint8Array; value: Personal }[];
  readonly objects: readonly Uint8Array[];
}

/** Normalises and hashes what a platform knows a person by. What cannot be normalised is dropped. */
export function claimOf(
  keys: ControllerKeys,
  from: { workflowId: string; connectionId: ConnectionId | null; region: string | null },
  record: SubjectRecord,
): Claim {
  const emails = distinct(record.emails.map((email) => normaliseEmail(email.reveal())));
  const folded = distinct(emails.map(foldEmail));
  const phones = distinct(
    record.phones.map((phone) => normalisePhone(phone.reveal(), [record.region, from.region])),
  );
  const { connectionId } = from;
  // A platform's ids mean nothing outside of a connection to it.
  const platformIds = (connectionId === null ? [] : record.platformIds).map((value) => ({
    value,
    hash: pseudonym(keys, "platform_id", value.reveal()),
  }));
  const everywhere = (kind: IdentifierKind) => (value: string) => ({
    kind,
    scope: EVERYWHERE,
    hash: pseudonym(keys, kind, value),
  });
  return {
    workflowId: from.workflowId,
    connectionId,
    strong: [
      ...emails.map(everywhere("email")),
      ...platformIds.map(({ hash }) => ({
        kind: "platform_id" as const,
        scope: connectionId ?? EVERYWHERE,
        hash,
      })),
    ],
    weak: [...phones.map(everywhere("phone")), ...folded.map(everywhere("email_folded"))],
    platformIds,
    objects: record.objects.map((object) => pseudonym(keys, "object", object.reveal())),
  };
}

/** A person's addresses in their one form: what cannot be normalised is dropped. */
export function addressesOf(record: SubjectRecord, region: string | null) {
  const personal = (values: readonly (string | undefined)[]) =>
    distinct(values).map((value) => new Personal(value));
  return {
    emails: personal(record.emails.map((email) => normaliseEmail(email.reveal()))),
    phones: personal(record.phones.map((phone) => normalisePhone(phone.reveal(), [record.region, region]))),
  };
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
