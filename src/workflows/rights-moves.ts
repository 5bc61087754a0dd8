import { listPushes, reopenPushes, showConsents } from "#consent";
import type { ControllerTransaction } from "#database";
import { lockController } from "#identity";
import {
  approveRequest,
  byConsent,
  denyRequest,
  extendRequest,
  findRequest,
  findRequests,
  lastChallengeEnds,
  liftRequest,
  lockRequest,
  moveRequest,
  type NewRequest,
  newChallenge,
  type Opened,
  openRequest,
  type PlannedNotice,
  type PlannedTask,
  pauseRequest,
  planNotice,
  type RightsRequest,
  releaseHolds,
  reopenTask,
  resumeRequest,
  shredDetails,
  type Task,
  tasksOf,
  verifyRequest,
  type Watch,
} from "#rights";
import type {
  DenialReason,
  ExtensionReason,
  RightsRequestId,
  RightsVerification,
  Sealed,
  SubjectId,
} from "#schemas";
import type { ControllerKeys } from "#vault";
import { type Announcement, announce } from "./outbox.ts";
import { announceChanges, announcePushes } from "./propagate-consent.ts";

// A move of a rights request with everything that follows from it, in the caller's transaction: who moves it, an operator, a
// person's browser or a workflow, makes no difference.

interface By {
  readonly actor: string;
  readonly note?: Sealed<string> | undefined;
}

/**
 * Records a request, or joins it to the same one. `quietly`: nobody is written to now; a new request is begun with in an hour, or
 * when it is made again.
 */
export async function openRights(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  given: NewRequest,
  options: { quietly?: boolean } = {},
): Promise<Opened> {
  const opened = await openRequest(tx, keys, given);
  const { sql, controllerId } = tx;
  await announceWatch(tx, opened.watch);
  // An operator's own does not expire: nor does one that an operator has made as well.
  if (opened.joined && given.source === "operator")
    await sql`update rights_request set source = 'operator' where controller_id = ${controllerId} and id = ${opened.id} and source = 'api'`;
  if (options.quietly === true) {
    // What nobody was told of is looked for twenty minutes after its time (`forgotten-rights`).
    if (!opened.joined)
      await sql`update rights_request set announced_at = now() + interval '40 minutes' where controller_id = ${controllerId} and id = ${opened.id}`;
    return opened;
  }
  // One that joins another may need another message: the first may be lost.
  await announce(tx, [
    { name: "rights/requested", data: { controllerId: tx.controllerId, requestId: opened.id } },
  ]);
  return opened;
}

export async function verifyRights(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  verification: RightsVerification,
  by: By,
): Promise<void> {
  await announceWatch(tx, await verifyRequest(tx, keys, request, verification, by));
}

/** Throws `rights/legal-hold`, `rights/illegal-move`. */
export async function approveRights(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: By & { readonly reason?: string },
): Promise<void> {
  await approveRequest(tx, request, by);
  await announce(tx, [
    { name: "rights/approved", data: { controllerId: tx.controllerId, requestId: request.id } },
  ]);
}

export async function denyRights(
  tx: ControllerTransaction,
  request: RightsRequest,
  reason: DenialReason,
  by: By,
): Promise<void> {
  await denyRequest(tx, request, reason, by);
  await tell(tx, request, "denied");
}

export async function cancelRights(tx: ControllerTransaction, request: RightsRequest, by: By): Promise<void> {
  await moveRequest(tx, request, "cancelled", by);
  await shredDetails(tx, request.id);
}

export async function extendRights(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: By & { readonly reason: ExtensionReason },
): Promise<void> {
  await announceWatch(tx, await extendRequest(tx, request, by, Date.now()));
  await tell(tx, request, "extended");
}

export async function pauseRights(tx: ControllerTransaction, request: RightsRequest, by: By): Promise<void> {
  await announceWatch(tx, await pauseRequest(tx, request, by, Date.now()));
}

export async function resumeRights(tx: ControllerTransaction, request: RightsRequest, by: By): Promise<void> {
  await announceWatch(tx, await resumeRequest(tx, request, by, Date.now()));
}

/**
 * Ends what a request restricts; false if it restricts nothing (any more). What the person agreed to meanwhile was recorded, and
 * is brought to the platforms now.
 */
export async function liftRights(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: By,
): Promise<boolean> {
  if (!(await liftRequest(tx, request, by))) return false;
  const { subjectId } = request;
  const topics = subjectId === null ? [] : await showConsents(tx, subjectId);
  await announceChanges(
    tx,
    topics.flatMap(({ purpose }) => (subjectId === null ? [] : { subjectId, purpose })),
  );
  return true;
}

/** Tries a task again. Throws `rights/task-not-waiting`. */
export async function retryTask(
  tx: ControllerTransaction,
  request: RightsRequest,
  task: Task,
  options: { anew: boolean },
): Promise<void> {
  const planned = await reopenTask(tx, request, task, options);
  if (byConsent(task.kind)) await retryPushes(tx, task);
  await announce(tx, [{ name: "rights/task", data: { controllerId: tx.controllerId, ...planned } }]);
}

/** What became of such a task is what became of its pushes: so it is they that are tried again. */
async function retryPushes(tx: ControllerTransaction, { requestId, connectionId }: Task): Promise<void> {
  const request = await findRequest(tx, requestId);
  if (request?.subjectId == null) return;
  const waiting = { subject: request.subjectId, status: ["failed", "manual"], limit: 10_000 } as const;
  const pushes = (await listPushes(tx, waiting)).filter(({ connection }) => connection === connectionId);
  await announcePushes(
    tx,
    await reopenPushes(
      tx,
      pushes.map(({ id }) => id),
    ),
  );
}

export function announceTasks(tx: ControllerTransaction, tasks: readonly PlannedTask[]): Promise<void> {
  const { controllerId } = tx;
  return announce(
    tx,
    tasks.map((task) => ({ name: "rights/task", data: { controllerId, ...task } })),
  );
}

/** Locks a request for what links or erases people: after the lock that linking takes, as everybody does who takes both. */
export async function lockToErase(
  tx: ControllerTransaction,
  id: RightsRequestId,
): Promise<RightsRequest | undefined> {
  await lockController(tx);
  return lockRequest(tx, id);
}

export async function noteSubject(
  { sql, controllerId }: ControllerTransaction,
  { id, subjectId }: Pick<RightsRequest, "id" | "subjectId">,
): Promise<void> {
  await sql`update rights_request set subject_id = ${subjectId} where controller_id = ${controllerId} and id = ${id}`;
}

export async function announceSettled(tx: ControllerTransaction, requestId: RightsRequestId): Promise<void> {
  await announce(tx, [{ name: "rights/settled", data: { controllerId: tx.controllerId, requestId } }]);
}

/** What a legal hold held up goes on. Returns how many holds there were. */
export async function releaseRights(
  tx: ControllerTransaction,
  subject: { readonly id: SubjectId; readonly auditReference: Uint8Array },
): Promise<number> {
  const count = await releaseHolds(tx, subject);
  const requests = await findRequests(tx, { subject: subject.id, open: true, limit: 1_000 });
  const erasures = requests.filter(({ kind }) => kind === "erasure");
  const { controllerId } = tx;
  for (const { id: requestId, status } of erasures)
    if (status === "verified")
      await announce(tx, [{ name: "rights/requested", data: { controllerId, requestId } }]);
  const held = await tasksOf(tx, { requests: erasures.map(({ id }) => id) });
  for (const request of erasures)
    for (const task of held)
      if (task.requestId === request.id && task.reason === "legal_hold")
        await retryTask(tx, request, task, { anew: false });
  for (const { id, status } of erasures) if (status === "fulfilling") await announceSettled(tx, id);
  return count;
}

/** That the person be told, by a run of its own; they are told nothing where nobody knows an address. */
export async function tell(
  tx: ControllerTransaction,
  request: Pick<RightsRequest, "id">,
  notice: Parameters<typeof planNotice>[2],
): Promise<void> {
  await announceNotice(tx, await planNotice(tx, request.id, notice));
}

/** A message to verify by, unless enough were sent. When it runs out, ISO 8601. */
export async function challenge(
  tx: ControllerTransaction,
  requestId: RightsRequestId,
): Promise<string | undefined> {
  const made = await newChallenge(tx, requestId);
  if (made === undefined) return undefined;
  await announceNotice(tx, await planNotice(tx, requestId, "verify", made.id));
  return made.expiresAt;
}

/** What an operator has taken down, from a letter or a call, is a request whatever becomes of a message. */
export const mayExpire = ({ source }: RightsRequest): boolean => source === "api";

/** Ends a request that nobody confirmed in time. When the last message runs out, ISO 8601, if that is later; otherwise null. */
export async function expireRights(tx: ControllerTransaction, id: RightsRequestId): Promise<string | null> {
  const request = await lockRequest(tx, id);
  if (request?.status !== "verifying" || !mayExpire(request)) return null;
  const last = await lastChallengeEnds(tx, id);
  if (last !== null && Date.parse(last) > Date.now()) return last;
  await moveRequest(tx, request, "expired", { actor: "hub", reason: "not_verified" });
  await shredDetails(tx, id);
  return null;
}

export const announceNotice = (tx: ControllerTransaction, planned: PlannedNotice): Promise<void> =>
  announce(tx, [{ name: "rights/notice", data: { controllerId: tx.controllerId, ...planned } }]);

export async function announceWatch(tx: ControllerTransaction, watch: Watch | undefined): Promise<void> {
  const { controllerId } = tx;
  const events: Announcement[] =
    watch === undefined ? [] : [{ name: "rights/clock", data: { controllerId, ...watch } }];
  await announce(tx, events);
}
