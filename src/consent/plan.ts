import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction } from "#database";
import { restrictedAmong } from "#identity";
import type { Connector } from "#kit";
import type { ConnectionId, Purpose, PushReason, SubjectId } from "#schemas";
import { PushId } from "#schemas";
import { forgetContacts } from "./contact.ts";
import { endDue } from "./due.ts";
import { pushedEvent } from "./events.ts";
import { type LedgerRecord, ledgerOf, marksOf, type PastPush, topicOf } from "./history.ts";
import { isInStep } from "./in-step.ts";
import type { ConsentChange } from "./ledger.ts";
import { type Place, placesOf } from "./places.ts";
import { currentState, type Direction, directionOf } from "./state.ts";
import { targetsOf } from "./targets.ts";

/** A platform that is to be brought in step, by a run of its own. */
export interface PlannedPush {
  readonly pushId: PushId;
  readonly connectionId: ConnectionId;
  readonly round: number;
}

interface Draft extends Omit<Place, "purposes" | "hasCredentials" | "account" | "references"> {
  readonly id: PushId;
  readonly purpose: Purpose;
  readonly state: Direction;
  /** Undefined where it can be tried. */
  readonly hopeless: { readonly status: "unsupported" | "manual"; readonly reason: PushReason } | undefined;
}

/**
 * What has to be done so that every connection that knows the subjects holds what they chose. It looks at the ledger as
 * it stands, not at what changed, so that to plan too often, or late, does no harm. What cannot be done is recorded at
 * once as exactly that; of the rest, what is not under way already is returned.
 */
export async function planPushes(
  tx: ControllerTransaction,
  connectors: ReadonlyMap<string, Connector>,
  changes: readonly ConsentChange[],
): Promise<PlannedPush[]> {
  await endDue(tx, changes);
  const subjects = await survivorsOf(
    tx,
    changes.map(({ subjectId }) => subjectId),
  );
  const topics = new Map(
    changes.map(({ subjectId, purpose }) => {
      const topic = { subjectId: subjects.get(subjectId) ?? subjectId, purpose };
      return [topicOf(topic), topic];
    }),
  );
  const survivors = [...new Set(subjects.values())];
  const [{ records, pushes }, places, restricted] = await Promise.all([
    ledgerOf(tx, survivors),
    placesOf(tx, survivors),
    restrictedAmong(tx, survivors),
  ]);
  const drafts = [...topics].flatMap(([key, { subjectId, purpose }]) => {
    const [known, tried] = [records.get(key) ?? [], pushes.get(key) ?? []];
    const decision = currentState(known)?.record;
    const wanted = directionOf(decision?.state);
    if (decision === undefined || wanted === undefined) return [];
    // To bring an opt-out somewhere is to process less; to bring a grant would be to process what may only be kept.
    if (wanted === "granted" && restricted.has(subjectId)) return [];
    return places
      .filter((place) => place.subjectId === subjectId)
      .filter((place) => {
        const marks = marksOf(place.connectionId, known, tried);
        return !isInStep(wanted, marks, isWhole(place, purpose, connectors.get(place.connector)));
      })
      .map((place) => draft(place, purpose, wanted, connectors.get(place.connector)))
      .filter((one) => !isSaid(one, decision, tried));
  });
  const planned = await store(tx, drafts);
  await forgetContacts(tx, survivors);
  return planned;
}

/** Whether what the platform reports is about all that it holds of the person for the purpose. */
function isWhole(
  { references, purposes }: Place,
  purpose: Purpose,
  connector: Connector | undefined,
): boolean {
  if (connector?.consent === undefined) return true;
  return references <= (connector.consent.ids ?? 1) && targetsOf(connector, purposes, purpose).length <= 1;
}

function draft(
  { purposes, hasCredentials, account: _, references: __, ...place }: Place,
  purpose: Purpose,
  state: Direction,
  connector: Connector | undefined,
): Draft {
  const made = { ...place, id: PushId.parse(uuid()), purpose, state };
  const unsupported = (reason: PushReason) => ({
    ...made,
    hopeless: { status: "unsupported", reason } as const,
  });
  // A connector that is not installed may come back: the push is tried, and fails with what to do.
  if (connector === undefined) return { ...made, hopeless: undefined };
  if (connector.consent === undefined) return unsupported("no_consent_api");
  if (targetsOf(connector, purposes, purpose).length === 0) return unsupported("purpose_not_held");
  return { ...made, hopeless: hasCredentials ? undefined : { status: "manual", reason: "no_credentials" } };
}

/** It was recorded before that this cannot be done, or was left to a person, and nobody has chosen since. */
function isSaid(
  { connectionId, state, hopeless }: Draft,
  decision: LedgerRecord,
  pushes: readonly PastPush[],
): boolean {
  const last = pushes.findLast((push) => push.connectionId === connectionId && push.status !== "void");
  if (last?.state !== state) return false;
  if (hopeless !== undefined) return last.reason === hopeless.reason;
  return (
    last.status === "manual" &&
    last.reason !== "no_credentials" &&
    decision.occurredAt < (last.settledAt ?? 0)
  );
}

async function store(tx: ControllerTransaction, drafts: readonly Draft[]): Promise<PlannedPush[]> {
  if (drafts.length === 0) return [];
  const { sql, controllerId } = tx;
  const column = <T>(of: (draft: Draft) => T) => drafts.map(of);
  const stored = await sql<{ id: PushId }[]>`
    insert into consent_push (controller_id, id, subject_id, connection_id, purpose, state, status, reason, settled_at)
    select ${controllerId}::uuid, id, subject, connection, purpose, state, coalesce(status, 'open'), reason, case when status is not null then now() end
    from unnest(${column(({ id }) => id)}::uuid[], ${column(({ subjectId }) => subjectId)}::uuid[], ${column(({ connectionId }) => connectionId)}::uuid[],
      ${column(({ purpose }) => purpose)}::text[], ${column(({ state }) => state)}::text[], ${column(({ hopeless }) => hopeless?.status ?? null)}::text[],
      ${column(({ hopeless }) => hopeless?.reason ?? null)}::text[]) as t(id, subject, connection, purpose, state, status, reason)
    on conflict (controller_id, subject_id, purpose, connection_id) where status = 'open' do nothing returning id`;
  const fresh = new Set(stored.map(({ id }) => id));
  const kept = drafts.filter(({ id }) => fresh.has(id));
  await appendEvents(
    tx,
    kept.flatMap((one) => (one.hopeless === undefined ? [] : pushedEvent(one, one.hopeless))),
  );
  return kept
    .filter(({ hopeless }) => hopeless === undefined)
    .map(({ id, connectionId }) => ({ pushId: id, connectionId, round: 0 }));
}

/** Into whom each was merged, if it was. */
async function survivorsOf(
  { sql, controllerId }: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<Map<SubjectId, SubjectId>> {
  const rows = await sql<{ id: SubjectId; survivor: SubjectId }[]>`
    select s.* from unnest(${[...new Set(subjects)]}::uuid[]) as wanted(id) cross join lateral (
      select id, coalesce(merged_into, id) as survivor from subject where controller_id = ${controllerId} and id = wanted.id offset 0) as s`;
  return new Map(rows.map(({ id, survivor }) => [id, survivor]));
}
