import type { ControllerTransaction } from "#database";
import type { LegalHoldView, RightsCaseView, RightsRequestView, RightsTaskView, Sealed } from "#schemas";
import type { ControllerKeys } from "#vault";
import { clockFor, rightsSettings } from "./deadlines.ts";
import { holdsOf } from "./hold.ts";
import { openNote } from "./note.ts";
import { type Notice, noticesOf } from "./notice.ts";
import { findRequest, findRequests, type RightsRequest } from "./request.ts";
import { bundleOf } from "./sealed-files.ts";
import { isWaiting } from "./settle.ts";
import { type Task, tasksOf } from "./task.ts";

/** Requests, the most urgent first; closed ones last, unless `open`. */
export async function listRightsRequests(
  tx: ControllerTransaction,
  options: { limit: number; open?: boolean; subject?: string; ids?: readonly string[] },
): Promise<RightsRequestView[]> {
  const requests = await findRequests(tx, options);
  const ids = requests.map(({ id }) => id);
  const [tasks, notices] = await Promise.all([tasksOf(tx, { requests: ids }), noticesOf(tx, ids)]);
  return requests.map((request) =>
    requestView(
      tx,
      request,
      tasks.filter(({ requestId }) => requestId === request.id),
      notices.filter(({ requestId }) => requestId === request.id),
    ),
  );
}

function requestView(
  { controllerId }: ControllerTransaction,
  request: RightsRequest,
  tasks: readonly Task[],
  notices: readonly Notice[],
): RightsRequestView {
  const { connectionId, subjectId, denialReason, extensionReason, ...rest } = request;
  const { clockRound: _, hasDetails: __, hasFile, pauses: ___, platformDays: ____, ...shown } = rest;
  return {
    ...shown,
    controller: controllerId,
    connection: connectionId,
    subject: subjectId,
    ...{ denialReason, extensionReason },
    paused: request.pauses.some(({ until }) => until === null),
    overdue: request.closedAt === null && request.dueAt !== null && Date.parse(request.dueAt) < Date.now(),
    tasks: tasks.length,
    toHandOver: hasFile && request.closedAt !== null && !hasLink(request, notices),
    waiting: tasks.filter((task) => isWaiting(task) && task.reason !== "given_up").length,
  };
}

/** Whether the person was, or is being, sent a link to their file. What a platform asked for is the company's to hand over. */
const hasLink = ({ source }: RightsRequest, notices: readonly Notice[]): boolean =>
  source !== "platform" &&
  notices.some(({ notice, status }) => notice === "closed" && (status === "sent" || status === "open"));

/** Everything about one request: what happened when, by whom, why; what is due; what became of it at each platform. */
export async function showRightsRequest(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  id: string,
): Promise<RightsCaseView | undefined> {
  const request = await findRequest(tx, id);
  if (request === undefined) return undefined;
  const settings = await rightsSettings(tx);
  const [tasks, notices, moves, bundle] = await Promise.all([
    tasksOf(tx, { requests: [id] }),
    noticesOf(tx, [id]),
    movesOf(tx, keys, request),
    bundleOf(tx, request.id),
  ]);
  const holds: LegalHoldView[] = request.subjectId === null ? [] : await holdsOf(tx, request.subjectId);
  const clock = clockFor(request, settings);
  return {
    ...requestView(tx, request, tasks, notices),
    timeZone: settings.timeZone,
    clock: {
      startsAt: clock.startsAt,
      acknowledgeBy: clock.acknowledgeBy,
      answerBy: clock.answerBy,
      extendBefore: clock.extendBefore,
      extensionUntil: clock.extensionUntil,
    },
    pauses: request.pauses.map(({ from, until }) => ({ from, until })),
    moves,
    platforms: tasks.map((task) => taskView(tx, keys, task)),
    notices: notices.map(({ id: notice, notice: kind, status, errorCode, createdAt, settledAt }) => ({
      ...{ id: notice, notice: kind, status, createdAt, settledAt },
      error: errorCode,
    })),
    holds: request.kind === "erasure" ? holds : [],
    downloadUntil: bundle?.expiresAt ?? null,
  };
}

export function taskView(tx: ControllerTransaction, keys: ControllerKeys, task: Task): RightsTaskView {
  const { connectionId, connector, status, reason, entries, basis, until, actor, settledAt, attempts } = task;
  return {
    ...{ id: task.id, connection: connectionId, connector, status, reason, entries, basis, until, actor },
    ...{ settledAt, attempts },
    categories: task.categories === null ? null : [...task.categories],
    error: task.errorCode === null ? null : `${task.errorCode}: ${task.errorMessage}`,
    note: task.note === null ? null : openNote(keys, tx.controllerId, task.id, task.note),
  };
}

async function movesOf(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  { id }: RightsRequest,
): Promise<RightsCaseView["moves"]> {
  type Row = Omit<RightsCaseView["moves"][number], "note"> & { note: Sealed<string> | null };
  const rows = await sql<Row[]>`
    select from_status as from, to_status as to, actor, reason, note, at from rights_move
    where controller_id = ${controllerId} and request_id = ${id} order by position`;
  return rows.map((row) => ({
    ...row,
    at: new Date(row.at).toISOString(),
    note: row.note === null ? null : openNote(keys, controllerId, id, row.note),
  }));
}

/** How much is open, late, or waits for somebody; and the seconds until the next deadline, negative when it has passed. */
export async function rightsBacklog({ sql, controllerId }: ControllerTransaction) {
  const [row] = await sql<{ open: number; overdue: number; waiting: number; next: number | null }[]>`
    select count(*)::int as open, extract(epoch from min(due_at) - now())::float8 as next, count(*) filter (where due_at < now())::int as overdue,
      (select count(*) from rights_task t join rights_request r on r.controller_id = t.controller_id and r.id = t.request_id
        where t.controller_id = ${controllerId} and t.status in ('manual', 'failed') and r.closed_at is null)::int as waiting
    from rights_request where controller_id = ${controllerId} and closed_at is null`;
  return row ?? { open: 0, overdue: 0, waiting: 0, next: null };
}
