import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction, Sent } from "#database";
import { platformReferences } from "#identity";
import type { Connector } from "#kit";
import {
  type ConnectionId,
  type ConsentPurpose,
  type ErrorDescription,
  type Purpose,
  PushId,
  type PushReason,
  type PushStatus,
  type SubjectId,
} from "#schemas";
import type { ControllerKeys } from "#vault";
import type { Task } from "./bring.ts";
import { contactOf, forgetContacts } from "./contact.ts";
import { SKEW } from "./echo.ts";
import { pushedEvent, recordedEvent } from "./events.ts";
import { history, type LedgerRecord, type PastPush, pushesFor, topicOf } from "./history.ts";
import { type ConsentChange, recordConsents } from "./ledger.ts";
import type { PlannedPush } from "./plan.ts";
import { currentState, type Direction, directionOf, isOptOut } from "./state.ts";
import { targetsOf } from "./targets.ts";

/** A push, with the connection that it is for. */
export interface Push {
  readonly id: PushId;
  /** Whose it is by now: merges may have come since. */
  readonly subjectId: SubjectId;
  readonly auditReference: Uint8Array;
  readonly purpose: Purpose;
  /** What was last brought there, or is to be. */
  readonly state: Direction;
  readonly connectionId: ConnectionId;
  readonly connector: string;
  readonly account: string | null;
  readonly purposes: Readonly<Record<string, Purpose>>;
}

/** The push, if it is in this state; `lock` keeps others from settling it. */
export async function findPush(
  { sql, controllerId }: ControllerTransaction,
  id: PushId,
  options: { status?: "open" | "done"; lock?: boolean } = {},
): Promise<Push | undefined> {
  const { status = "open", lock = false } = options;
  const [row] = await sql<Push[]>`
    select p.id, s.id as "subjectId", s.audit_reference as "auditReference", p.purpose, p.state, n.id as "connectionId", n.connector, n.account, n.purposes
    from consent_push p
    join subject held on held.controller_id = p.controller_id and held.id = p.subject_id
    join subject s on s.controller_id = p.controller_id and s.id = coalesce(held.merged_into, held.id)
    join connection n on n.controller_id = p.controller_id and n.id = p.connection_id
    where p.controller_id = ${controllerId} and p.id = ${id} and p.status = ${status} ${lock ? sql`for update of p` : sql``}`;
  return row;
}

/** What is to be brought to the platform now, by the ledger as it stands; undefined if the person's choice is open again. */
export async function taskOf(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connector: Connector,
  push: Push,
): Promise<Task | undefined> {
  const { records, pushes } = await topicFor(tx, push);
  const decision = currentState(records)?.record;
  const state = directionOf(decision?.state);
  if (decision === undefined || state === undefined) return undefined;
  const [platformIds, contact] = await Promise.all([
    platformReferences(tx, keys, push.subjectId, push.connectionId),
    contactOf(tx, keys, push.subjectId),
  ]);
  return {
    person: { platformIds, ...contact },
    targets: targetsOf(connector, push.purposes, push.purpose),
    wish: {
      state,
      occurredAt: new Date(decision.occurredAt).toISOString(),
      confirmed: decision.method === "confirmed_opt_in",
    },
    grant: decision,
    known: knownOptOut(push.connectionId, records, pushes),
  };
}

function knownOptOut(
  connectionId: ConnectionId,
  records: readonly LedgerRecord[],
  pushes: readonly PastPush[],
) {
  const theirs = records.filter((record) => record.connectionId === connectionId && record.nature !== "echo");
  const optOuts = theirs.filter(({ state }) => isOptOut(state));
  const [last] = pushes
    .filter((push) => push.connectionId === connectionId)
    .flatMap(({ sent, state, settledAt, status }) => [
      ...sent,
      ...(status === "done_verified" && settledAt !== undefined ? [{ state, at: settledAt }] : []),
    ])
    .sort((a, b) => b.at - a.at);
  return {
    reported: optOuts.map(({ occurredAt }) => occurredAt),
    ours: last?.state === "withdrawn" && !optOuts.some(({ reportedAt }) => reportedAt > last.at - SKEW),
  };
}

/**
 * Notes that a change is about to be sent, if the choice still stands: so its echo will be known. `also`: what the platform
 * changes along with it.
 */
export async function noteSending(
  tx: ControllerTransaction,
  id: PushId,
  state: Direction,
  also: readonly ConsentPurpose[],
): Promise<boolean> {
  const push = await findPush(tx, id, { lock: true });
  if (push === undefined || (await wantedFor(tx, push)) !== state) return false;
  const change: Sent = { state, at: new Date().toISOString(), ...(also.length > 0 && { also }) };
  const sent = JSON.stringify([change]);
  await tx.sql`update consent_push set state = ${state}, sent = sent || ${sent}::jsonb where controller_id = ${tx.controllerId} and id = ${id}`;
  return true;
}

/** Notes why an attempt failed; it is tried again. */
export async function notePushFailure(
  { sql, controllerId }: ControllerTransaction,
  id: PushId,
  { code, message }: ErrorDescription,
): Promise<void> {
  await sql`update consent_push set attempts = attempts + 1, error_code = ${code}, error_message = ${message}
    where controller_id = ${controllerId} and id = ${id} and status = 'open'`;
}

/** How a push ended. */
export interface Outcome {
  readonly status: Exclude<PushStatus, "open">;
  /** What the platform holds, or was to hold. */
  readonly state?: Direction;
  readonly reason?: PushReason;
  readonly error?: { readonly code: string; readonly message: string };
  /** It holds an opt-out of then that we had not seen, which goes into the ledger. ISO 8601. */
  readonly optedOutAt?: string;
}

/** What is to be announced after a push was settled. */
export interface AfterPush {
  readonly changes: readonly ConsentChange[];
  readonly pushes: readonly PlannedPush[];
}

/** Ends a push. If the person chose anew meanwhile, the next one begins. */
export async function settlePush(
  tx: ControllerTransaction,
  id: PushId,
  outcome: Outcome,
): Promise<AfterPush> {
  const push = await findPush(tx, id, { lock: true });
  if (push === undefined) return { changes: [], pushes: [] };
  const { sql, controllerId } = tx;
  const { status, reason, error, optedOutAt } = outcome;
  const wanted = await wantedFor(tx, push);
  const state = optedOutAt === undefined ? (outcome.state ?? wanted ?? "withdrawn") : "withdrawn";
  await sql`update consent_push set status = ${status}, state = ${state}, reason = ${reason ?? null}, settled_at = now(),
      error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null},
      attempts = attempts + ${error === undefined ? 1 : 0}
    where controller_id = ${controllerId} and id = ${id}`;
  await appendEvents(tx, [
    pushedEvent({ ...push, state }, { status, reason, ...(error && { error: error.code }) }),
  ]);
  const changes = optedOutAt === undefined ? [] : await recordOptOut(tx, push, optedOutAt);
  const settled = status === "done" || status === "done_verified";
  const again = settled && changes.length === 0 && wanted !== undefined && wanted !== state;
  const pushes = again ? await pushAgain(tx, push, wanted) : [];
  // What is only done is still to be read back.
  if (status !== "done") await forgetContacts(tx, [push.subjectId]);
  return { changes, pushes };
}

/** The platform showed what it was brought: `done` becomes `done_verified`. */
export async function confirmPush(tx: ControllerTransaction, id: PushId): Promise<void> {
  const push = await findPush(tx, id, { status: "done", lock: true });
  if (push === undefined) return;
  await tx.sql`update consent_push set status = 'done_verified' where controller_id = ${tx.controllerId} and id = ${id}`;
  await appendEvents(tx, [pushedEvent(push, { status: "done_verified" })]);
}

/** Nothing more comes of this push: what was kept to find the person by goes, unless another one needs it. */
export async function endPush(tx: ControllerTransaction, id: PushId): Promise<void> {
  const [push] = await tx.sql<{ subjectId: SubjectId }[]>`
    select subject_id as "subjectId" from consent_push where controller_id = ${tx.controllerId} and id = ${id}`;
  if (push !== undefined) await forgetContacts(tx, [push.subjectId]);
}

/** Opens failed pushes, and those left to a person, again. Those that are open in another push already are left alone. */
export async function reopenPushes(
  tx: ControllerTransaction,
  ids: readonly PushId[],
): Promise<PlannedPush[]> {
  const { sql, controllerId } = tx;
  return sql<PlannedPush[]>`
    update consent_push p set status = 'open', reason = null, settled_at = null, announced_at = now()
    where controller_id = ${controllerId} and id = any(${[...ids]}::uuid[]) and status in ('failed', 'manual')
      and not exists (select from consent_push other where other.controller_id = p.controller_id and other.subject_id = p.subject_id
        and other.purpose = p.purpose and other.connection_id = p.connection_id and other.requested_at > p.requested_at)
    returning id as "pushId", connection_id as "connectionId"`;
}

/** Open pushes for which no run can be left: the longest that retries and a platform's patience take is over. */
export async function forgottenPushes(
  { sql, controllerId }: ControllerTransaction,
  limit: number,
): Promise<PlannedPush[]> {
  return sql<PlannedPush[]>`
    update consent_push set announced_at = now() where controller_id = ${controllerId} and id in (
      select id from consent_push where controller_id = ${controllerId} and status = 'open' and announced_at < now() - interval '14 hours'
      order by announced_at limit ${limit})
    returning id as "pushId", connection_id as "connectionId"`;
}

async function topicFor(tx: ControllerTransaction, push: Push) {
  const [records, pushes] = await Promise.all([
    history(tx, [push.subjectId]),
    pushesFor(tx, [push.subjectId]),
  ]);
  const topic = topicOf(push);
  return { records: records.get(topic) ?? [], pushes: pushes.get(topic) ?? [] };
}

async function wantedFor(tx: ControllerTransaction, push: Push): Promise<Direction | undefined> {
  const records = (await history(tx, [push.subjectId])).get(topicOf(push)) ?? [];
  return directionOf(currentState(records)?.record.state);
}

async function pushAgain(tx: ControllerTransaction, push: Push, state: Direction): Promise<PlannedPush[]> {
  const { sql, controllerId } = tx;
  const id = PushId.parse(uuid());
  return sql<PlannedPush[]>`
    insert into consent_push (controller_id, id, subject_id, connection_id, purpose, state)
    values (${controllerId}, ${id}, ${push.subjectId}, ${push.connectionId}, ${push.purpose}, ${state})
    on conflict (controller_id, subject_id, purpose, connection_id) where status = 'open' do nothing
    returning id as "pushId", connection_id as "connectionId"`;
}

async function recordOptOut(tx: ControllerTransaction, push: Push, at: string): Promise<ConsentChange[]> {
  const { changes, recorded } = await recordConsents(tx, [
    {
      ...{ workflowId: push.id, ordinal: 0, subjectId: push.subjectId, connectionId: push.connectionId },
      ...{
        purpose: push.purpose,
        state: "withdrawn",
        nature: "snapshot",
        method: "unknown",
        source: "platform",
      },
      ...{ jurisdiction: null, evidence: `push:${push.id}`, occurredAt: at, reportedAt: at },
    },
  ]);
  await appendEvents(
    tx,
    recorded.map((record) => recordedEvent(record, push.auditReference, "hub")),
  );
  return changes;
}
