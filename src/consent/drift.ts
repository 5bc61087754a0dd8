import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import { lockController, platformReferences, referencesAt } from "#identity";
import type { Connector, ConsentApi, ConsentTarget, HeldConsent, KnownPerson } from "#kit";
import type { ConnectionId, ConsentState, Purpose, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { contactsOf } from "./contact.ts";
import { recordedEvent } from "./events.ts";
import { ledgerOf, topicOf } from "./history.ts";
import { type ConsentChange, recordConsents } from "./ledger.ts";
import { type Place, placesOf } from "./places.ts";
import { currentState, type Direction, directionOf } from "./state.ts";
import { targetsOf } from "./targets.ts";

/** A subject at a platform that can be asked what it holds of them. */
export interface Comparable
  extends Pick<Place, "subjectId" | "auditReference" | "connectionId" | "connector" | "account"> {
  readonly person: KnownPerson;
  readonly choices: readonly {
    readonly purpose: Purpose;
    readonly wanted: Direction;
    readonly targets: readonly ConsentTarget[];
    /** It is being brought there, or could not be: so that it differs is no news. */
    readonly unsettled: boolean;
  }[];
}

/** What a platform holds beside what it should. `undefined`: it holds nothing of the kind. */
export interface Difference {
  readonly purpose: Purpose;
  readonly ledger: Direction;
  readonly platform: ConsentState;
  readonly since: string | undefined;
  /** When it was asked. ISO 8601. */
  readonly askedAt: string;
  /** It is known already: under way, or left to a person. */
  readonly unsettled: boolean;
}

/** Subjects with choices, by id: the next so many after `after`, or one. */
export async function subjectsWithChoices(
  { sql, controllerId }: ControllerTransaction,
  page: { after: SubjectId | undefined; limit: number; only?: SubjectId | undefined },
): Promise<SubjectId[]> {
  const rows = await sql<{ id: SubjectId }[]>`
    select s.id from subject s
    where s.controller_id = ${controllerId} and s.merged_into is null and (${page.only ?? null}::uuid is null or s.id = ${page.only ?? null}::uuid)
      and (${page.after ?? null}::uuid is null or s.id > ${page.after ?? null}::uuid)
      and (exists (select from consent_record c where c.controller_id = ${controllerId} and c.subject_id = s.id offset 0)
        or exists (
          select from subject m join consent_record c on c.controller_id = ${controllerId} and c.subject_id = m.id
          where m.controller_id = ${controllerId} and m.merged_into = s.id offset 0))
    order by s.id limit ${page.limit}`;
  return rows.map(({ id }) => id);
}

/** What the platforms that know these subjects should hold of them, where their APIs can be asked. */
export async function comparables(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  subjects: readonly SubjectId[],
  connection: ConnectionId | undefined,
): Promise<Comparable[]> {
  const [{ records, pushes }, places, references, contacts] = await Promise.all([
    ledgerOf(tx, subjects),
    placesOf(tx, subjects),
    platformReferences(tx, keys, subjects),
    contactsOf(tx, keys, subjects),
  ]);
  const decided = [...records.values()].flatMap((group) => {
    const decision = currentState(group)?.record;
    const wanted = directionOf(decision?.state);
    return decision === undefined || wanted === undefined ? [] : [{ ...decision, wanted }];
  });
  return places
    .filter(
      (place) => place.hasCredentials && (connection === undefined || place.connectionId === connection),
    )
    .flatMap(({ hasCredentials: _, references: __, purposes, ...place }) => {
      const connector = connectors.get(place.connector);
      if (connector === undefined) return [];
      const { subjectId, connectionId } = place;
      const choices = decided
        .filter((one) => one.subjectId === subjectId)
        .map((one) => {
          const tried = pushes.get(topicOf(one))?.findLast((push) => push.connectionId === connectionId);
          const unsettled = tried !== undefined && !["done", "done_verified", "void"].includes(tried.status);
          return {
            purpose: one.purpose,
            wanted: one.wanted,
            unsettled,
            targets: targetsOf(connector, purposes, one.purpose),
          };
        })
        .filter(({ targets }) => targets.length > 0);
      if (choices.length === 0) return [];
      const { emails = [], phones = [] } = contacts.get(subjectId) ?? {};
      const platformIds = references.get(referencesAt(subjectId, connectionId)) ?? [];
      return [{ ...place, person: { platformIds, emails, phones }, choices }];
    });
}

/** Asks the platform. Undefined when it knows nobody by what we have. Throws `platform/*`. */
export async function compare(
  api: ConsentApi,
  { person, choices }: Comparable,
): Promise<Difference[] | undefined> {
  if (person.platformIds.length + person.emails.length + person.phones.length === 0) return undefined;
  const askedAt = new Date().toISOString();
  const there = await api.find(person);
  if (there === undefined) return undefined;
  return choices.flatMap(({ purpose, wanted, targets, unsettled }) => {
    const held = targets
      .map((target) => there.held(target))
      .find((one) => one !== undefined && differs(one, wanted));
    return held === undefined
      ? []
      : [{ purpose, ledger: wanted, platform: held.state, since: held.since, askedAt, unsettled }];
  });
}

/** Who is blocked is not written to, which is as good as an opt-out. */
function differs({ state, blocked }: HeldConsent, wanted: Direction): boolean {
  if (directionOf(state) === wanted) return false;
  return !(blocked !== undefined && wanted === "withdrawn");
}

/**
 * Whether taking a difference into the ledger would make an opt-out of it whose age nobody knows: the platform does not tell,
 * so that it may be older than the choice that the ledger holds.
 */
export const isOfUnknownAge = ({ ledger, platform, since }: Difference) =>
  ledger === "granted" && directionOf(platform) === "withdrawn" && since === undefined;

/**
 * Takes what the platform holds into the ledger as its report, so that the conflict rule decides: an opt-out there that
 * is later than what we knew counts everywhere; anything else is put right there. Tells what has to be brought in step.
 */
export async function recordDifferences(
  tx: ControllerTransaction,
  { subjectId, connectionId, auditReference }: Comparable,
  differences: readonly Difference[],
): Promise<readonly ConsentChange[]> {
  const workflowId = uuid();
  await lockController(tx);
  const { recorded, changes } = await recordConsents(
    tx,
    differences.map(({ purpose, platform, since, askedAt }, ordinal) => ({
      ...{ workflowId, ordinal, subjectId, connectionId, purpose, state: platform },
      ...{ nature: "snapshot", method: "unknown", source: "platform", jurisdiction: null, evidence: "drift" },
      occurredAt: since === undefined || since > askedAt ? askedAt : since,
      reportedAt: askedAt,
    })),
  );
  await appendEvents(
    tx,
    recorded.map((record) => recordedEvent(record, auditReference, "operator")),
  );
  return changes;
}
