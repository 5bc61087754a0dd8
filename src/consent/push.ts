import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import type { ControllerTransaction, Sent } from "#database";
import { lockController, platformReferences, referencesAt, restrictedAmong } from "#identity";
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
import { contactsOf, forgetContacts } from "./contact.ts";
import { noteDue } from "./due.ts";
import { DOUBT } from "./echo.ts";
import { pushedEvent, recordedEvent } from "./events.ts";
import { type LedgerRecord, ledgerOf, type PastPush, topicOf } from "./history.ts";
import { type ConsentChange, recordConsents } from "./ledger.ts";
import type { KnownThere } from "./lift.ts";
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
  /** The connection is in use. */
  readonly active: boolean;
  readonly round: number;
}

/** The push, if it is in this state; `lock` keeps others from settling it. */
export async function findPush(
  { sql, controllerId }: ControllerTransaction,
  id: PushId,
  options: { status?: "open" | "done"; lock?: boolean } = {},
): Promise<Push | undefined> {
  const { status = "open", lock = false } = options;
  const [row] = await sql<Push[]>`
    select p.id, s.id as "subjectId", s.audit_reference as "auditReference", p.purpose, p.state, n.id as "connectionId", n.connector, n.account, n.purposes,
      n.status = 'active' as active, p.round
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
  const [references, contacts, restricted] = await Promise.all([
    platformReferences(tx, keys, [push.subjectId]),
    contactsOf(tx, keys, [push.subjectId]),
    restrictedAmong(tx, [push.subjectId]),
  ]);
  if (state === "granted" && restricted.has(push.subjectId)) return undefined;
  const { emails = [], phones = [] } = contacts.get(push.subjectId) ?? {};
  const platformIds = references.get(referencesAt(push.subjectId, push.connectionId)) ?? [];
  return {
    person: { platformIds, emails, phones },
    targets: targetsOf(connector, push.purposes, push.purpose),
    wish: {
      state,
      occurredAt: new Date(decision.occurredAt).toISOString(),
      confirmed: decision.method === "confirmed_opt_in",
    },
    grant: decision,
    known: knownThere(push.connectionId, records, pushes),
  };
}

function knownThere(
  connectionId: ConnectionId,
  records: readonly LedgerRecord[],
  pushes: readonly PastPush[],
): KnownThere {
  const reports = records
    .filter((record) => record.connectionId === connectionId && directionOf(record.state) !== undefined)
    // Of the same second, an opt-out explains better that it holds one.
    .sort((a, b) => b.reportedAt - a.reportedAt || Number(isOptOut(b.state)) - Number(isOptOut(a.state)));
  const theirs = reports.find(({ nature }) => nature !== "echo");
  const [sent] = pushes
    .filter((push) => push.connectionId === connectionId)
    .flatMap((push) => push.sent)
    .sort((a, b) => b.at - a.at);
  const isLast = sent?.state === "withdrawn" && (theirs === undefined || theirs.reportedAt < sent.at - DOUBT);
  return {
    ours: isLast ? sent.at : undefined,
    reported: theirs && { occurredAt: theirs.occurredAt, optOut: isOptOut(theirs.state) },
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
  /** What was tried to bring there; absent where nothing was. */
  readonly state?: Direction;
  readonly reason?: PushReason;
  readonly error?: { readonly code: string; readonly message: string };
  /** It holds an opt-out of then that we had not seen, which goes into the ledger. ISO 8601. */
  readonly optedOutAt?: string;
  /** Only if this is still the push's round. */
  readonly round?: number;
}

/** What is to be announced after a push was settled. */
export interface AfterPush {
  readonly changes: readonly ConsentChange[];
  readonly pushes: readonly PlannedPush[];
}

/** Ends a push. If the person chose anew since it was tried, the next one begins. */
export async function settlePush(
  tx: ControllerTransaction,
  id: PushId,
  outcome: Outcome,
): Promise<AfterPush> {
  const nothing = { changes: [], pushes: [] };
  const { error, optedOutAt } = outcome;
  // Taken before the row's own lock, as everybody does who adds to the ledger.
  if (optedOutAt !== undefined) await lockController(tx);
  const push = await findPush(tx, id, { lock: true });
  if (push === undefined || (outcome.round ?? push.round) !== push.round) return nothing;
  const changes = optedOutAt === undefined ? [] : await recordOptOut(tx, push, optedOutAt);
  await noteDue(tx, changes); // before the push is changed, as planning takes both
  const wanted = await wantedFor(tx, push);
  // An opt-out that we found counts, unless something later is known by now: then only a person can tell.
  const givesWay = optedOutAt !== undefined && wanted !== "withdrawn";
  const state = optedOutAt === undefined || givesWay ? (outcome.state ?? push.state) : "withdrawn";
  const { status, reason } = givesWay ? GIVES_WAY : outcome;
  const { sql, controllerId } = tx;
  await sql`update consent_push set status = ${status}, state = ${state}, reason = ${reason ?? null}, settled_at = now(),
      error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null},
      attempts = attempts + ${error === undefined && status !== "void" ? 1 : 0}
    where controller_id = ${controllerId} and id = ${id}`;
  await appendEvents(tx, [
    pushedEvent({ ...push, state }, { status, reason, ...(error && { error: error.code }) }),
  ]);
  const again = push.active && status !== "void" && wanted !== undefined && wanted !== state;
  const pushes = again ? await pushAgain(tx, push, wanted) : [];
  await forgetContacts(tx, [push.subjectId]);
  return { changes, pushes };
}

const GIVES_WAY = { status: "manual", reason: "opt_out_there" } as const;

/** The platform showed what it was brought: `done` becomes `done_verified`. */
export async function confirmPush(tx: ControllerTransaction, id: PushId): Promise<void> {
  const push = await findPush(tx, id, { status: "done", lock: true });
  // What came after it says more, and shall not be seen in another light.
  if (push === undefined || (await isReplaced(tx, push))) return;
  await tx.sql`update consent_push set status = 'done_verified' where controller_id = ${tx.controllerId} and id = ${id}`;
  await appendEvents(tx, [pushedEvent(push, { status: "done_verified" })]);
}

async function isReplaced({ sql, controllerId }: ControllerTransaction, push: Push): Promise<boolean> {
  const later = await sql`
    select from consent_push p join consent_push own on own.controller_id = p.controller_id and own.id = ${push.id}
    where p.controller_id = ${controllerId} and p.subject_id = own.subject_id and p.purpose = own.purpose
      and p.connection_id = own.connection_id and p.requested_at > own.requested_at limit 1`;
  return later.length > 0;
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
    update consent_push p set status = 'open', reason = null, settled_at = null, announced_at = now(), round = round + 1
    where controller_id = ${controllerId} and id = any(${[...ids]}::uuid[]) and status in ('failed', 'manual')
      and not exists (select from consent_push other where other.controller_id = p.controller_id and other.subject_id = p.subject_id
        and other.purpose = p.purpose and other.connection_id = p.connection_id
          and (other.requested_at > p.requested_at or other.status = 'open'))
    returning id as "pushId", connection_id as "connectionId", round`;
}

/** Open pushes for which no run may be left: retries take four hours and a half. */
export async function forgottenPushes(
  { sql, controllerId }: ControllerTransaction,
  limit: number,
): Promise<PlannedPush[]> {
  return sql<PlannedPush[]>`
    update consent_push set announced_at = now(), round = round + 1 where controller_id = ${controllerId} and id in (
      select id from consent_push where controller_id = ${controllerId} and status = 'open' and announced_at < now() - interval '6 hours'
      order by announced_at limit ${limit})
    returning id as "pushId", connection_id as "connectionId", round`;
}

async function topicFor(tx: ControllerTransaction, push: Push) {
  const { records, pushes } = await ledgerOf(tx, [push.subjectId]);
  const topic = topicOf(push);
  return { records: records.get(topic) ?? [], pushes: pushes.get(topic) ?? [] };
}

async function wantedFor(tx: ControllerTransaction, push: Push): Promise<Direction | undefined> {
  return directionOf(currentState((await topicFor(tx, push)).records)?.record.state);
}

async function pushAgain(tx: ControllerTransaction, push: Push, state: Direction): Promise<PlannedPush[]> {
  const { sql, controllerId } = tx;
  const id = PushId.parse(uuid());
  return sql<PlannedPush[]>`
    insert into consent_push (controller_id, id, subject_id, connection_id, purpose, state)
    values (${controllerId}, ${id}, ${push.subjectId}, ${push.connectionId}, ${push.purpose}, ${state})
    on conflict (controller_id, subject_id, purpose, connection_id) where status = 'open' do nothing
    returning id as "pushId", connection_id as "connectionId", round`;
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
