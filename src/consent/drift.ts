import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import { platformReferences } from "#identity";
import type { Connector, ConsentApi, ConsentTarget, HeldConsent, KnownPerson } from "#kit";
import type { ConnectionId, ConsentState, Purpose, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { contactOf } from "./contact.ts";
import { recordedEvent } from "./events.ts";
import { history } from "./history.ts";
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
  }[];
}

/** What a platform holds beside what it should. `undefined`: it holds nothing of the kind. */
export interface Difference {
  readonly purpose: Purpose;
  readonly ledger: Direction;
  readonly platform: ConsentState;
  readonly since: string | undefined;
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
      and exists (
        select from consent_record c where c.controller_id = ${controllerId} and c.subject_id in (
          select s.id union all select id from subject m where m.controller_id = ${controllerId} and m.merged_into = s.id))
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
  const [records, places] = await Promise.all([history(tx, subjects), placesOf(tx, subjects)]);
  const decided = [...records.values()].flatMap((group) => {
    const decision = currentState(group)?.record;
    const wanted = directionOf(decision?.state);
    return decision === undefined || wanted === undefined ? [] : [{ ...decision, wanted }];
  });
  const found = places
    .filter(
      (place) => place.hasCredentials && (connection === undefined || place.connectionId === connection),
    )
    .map(async ({ hasCredentials: _, purposes, ...place }) => {
      const connector = connectors.get(place.connector);
      if (connector === undefined) return [];
      const choices = decided
        .filter(({ subjectId }) => subjectId === place.subjectId)
        .map(({ purpose, wanted }) => ({ purpose, wanted, targets: targetsOf(connector, purposes, purpose) }))
        .filter(({ targets }) => targets.length > 0);
      if (choices.length === 0) return [];
      const [platformIds, contact] = await Promise.all([
        platformReferences(tx, keys, place.subjectId, place.connectionId),
        contactOf(tx, keys, place.subjectId),
      ]);
      return [{ ...place, person: { platformIds, ...contact }, choices }];
    });
  return (await Promise.all(found)).flat();
}

/** Asks the platform. Undefined when it knows nobody by what we have. Throws `platform/*`. */
export async function compare(
  api: ConsentApi,
  { person, choices }: Comparable,
): Promise<Difference[] | undefined> {
  if (person.platformIds.length + person.emails.length + person.phones.length === 0) return undefined;
  const there = await api.find(person);
  if (there === undefined) return undefined;
  return choices.flatMap(({ purpose, wanted, targets }) => {
    const held = targets
      .map((target) => there.held(target))
      .find((one) => one !== undefined && differs(one, wanted));
    return held === undefined ? [] : [{ purpose, ledger: wanted, platform: held.state, since: held.since }];
  });
}

/** Who is blocked is not written to, which is as good as an opt-out. */
function differs({ state, blocked }: HeldConsent, wanted: Direction): boolean {
  if (directionOf(state) === wanted) return false;
  return !(blocked !== undefined && wanted === "withdrawn");
}

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
  const now = new Date().toISOString();
  const { recorded, changes } = await recordConsents(
    tx,
    differences.map(({ purpose, platform, since }, ordinal) => ({
      ...{ workflowId, ordinal, subjectId, connectionId, purpose, state: platform },
      ...{ nature: "snapshot", method: "unknown", source: "platform", jurisdiction: null, evidence: "drift" },
      occurredAt: since === undefined || since > now ? now : since,
      reportedAt: now,
    })),
  );
  await appendEvents(
    tx,
    recorded.map((record) => recordedEvent(record, auditReference, "operator")),
  );
  return changes;
}
