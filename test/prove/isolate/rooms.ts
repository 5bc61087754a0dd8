import { listActivities } from "#activities";
import { proveEvent, proveWorkflow } from "#audit";
import { connectors } from "#connectors";
import {
  confirmPush,
  endPush,
  findPush,
  forgetContacts,
  issueReceipt,
  listConsents,
  listPushes,
  notePushFailure,
  optOutsOf,
  planPushes,
  reopenPushes,
  showConsents,
  subjectsWithChoices,
} from "#consent";
import type { ControllerTransaction } from "#database";
import {
  liftRestriction,
  listSubjects,
  platformReferences,
  restrictedAmong,
  restrictSubject,
  subjectById,
} from "#identity";
import {
  listDeliveries,
  noteFailure,
  pendingDeliveries,
  replayDeliveries,
  shredPayloads,
  siblingsOf,
} from "#intake";
import {
  areHeld,
  bundleOf,
  challengeOfLink,
  checkHolds,
  findRequest,
  findTask,
  forgetHolds,
  forgetRequests,
  heldThrough,
  holdsOf,
  issueEvidence,
  listRightsRequests,
  lockRequest,
  markAsked,
  noticesOf,
  openDetails,
  openNotice,
  openParts,
  showRightsRequest,
  shredDetails,
  takeBundle,
  tasksOf,
  tryCode,
  useChallenge,
} from "#rights";
import type { ConnectionId, DeliveryId, PushId, RightsRequestId, RightsTaskId, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { Company } from "./companies.ts";

/** A question to a room, or an order, that names somebody's ids. */
export type Query = (tx: ControllerTransaction, keys: ControllerKeys, of: Ids) => Promise<unknown>;

export interface Ids {
  readonly subject: SubjectId;
  readonly delivery: DeliveryId;
  readonly connection: ConnectionId;
  readonly push: PushId;
  readonly request: RightsRequestId;
  readonly task: RightsTaskId;
  readonly notice: string;
  readonly challenge: string;
  readonly workflow: string;
}

export function idsOf({ ids }: Company): Ids {
  const of = <T extends string>(table: string): T => {
    const id = ids.get(table);
    if (id === undefined) throw new Error(`there is no id of ${table}`);
    return id as T;
  };
  return {
    ...{
      subject: of("subject"),
      delivery: of("delivery"),
      connection: of("connection"),
      push: of("consent_push"),
    },
    ...{ request: of("rights_request"), task: of("rights_task"), notice: of("rights_notice") },
    ...{ challenge: of("rights_challenge"), workflow: of("audit_event") },
  };
}

const LIMIT = { limit: 100 };

/** Every room's face, by what it is asked for. */
export const QUERIES: Readonly<Record<string, Query>> = {
  "activities list": (tx, _, { subject }) => listActivities(tx, { ...LIMIT, subject }),
  "audit workflow": (tx, _, { workflow }) => proveWorkflow(tx, workflow),
  "audit event": (tx, _, { workflow }) => proveEvent(tx, workflow),
  "consents list": (tx, _, { subject }) => listConsents(tx, { ...LIMIT, subject }),
  "consents show": (tx, _, { subject }) => showConsents(tx, subject),
  "consents plan": (tx, _, { subject }) =>
    planPushes(tx, connectors, [{ subjectId: subject, purpose: "email_marketing" }]),
  "consents opt-outs": (tx, _, { subject }) => optOutsOf(tx, [subject]),
  "consents subjects": (tx, _, { subject }) =>
    subjectsWithChoices(tx, { ...LIMIT, after: undefined, only: subject }),
  "consents receipt": (tx, keys, { workflow }) => issueReceipt(tx, keys, connectors, `${workflow}.0`),
  "pushes list": (tx, _, { push, subject }) => listPushes(tx, { ...LIMIT, ids: [push], subject }),
  "push find": (tx, _, { push }) => findPush(tx, push, { lock: true }),
  "push reopen": (tx, _, { push }) => reopenPushes(tx, [push]),
  "push confirm": (tx, _, { push }) => confirmPush(tx, push),
  "push end": (tx, _, { push }) => endPush(tx, push),
  "push failure": (tx, _, { push }) => notePushFailure(tx, push, FAILURE),
  "contacts forget": (tx, _, { subject }) => forgetContacts(tx, [subject]),
  "subjects list": (tx, _, { subject }) => listSubjects(tx, { ...LIMIT, id: subject }),
  "subject by id": (tx, _, { subject }) => subjectById(tx, subject),
  "subjects restricted": (tx, _, { subject }) => restrictedAmong(tx, [subject]),
  "subject restrict": (tx, _, { subject, request }) => restrictSubject(tx, subject, "restriction", request),
  "subject lift": (tx, _, { request }) => liftRestriction(tx, request),
  "subject references": (tx, keys, { subject }) => platformReferences(tx, keys, [subject]),
  "deliveries list": (tx, _, { delivery }) => listDeliveries(tx, { ...LIMIT, ids: [delivery] }),
  "deliveries replay": (tx, _, { delivery }) => replayDeliveries(tx, [delivery], { dryRun: false }),
  "deliveries pending": (tx, _, { delivery }) => pendingDeliveries(tx, [delivery], { lock: true }),
  "deliveries shred": (tx, _, { delivery }) => shredPayloads(tx, [delivery]),
  "delivery failure": (tx, _, { delivery }) => noteFailure(tx, delivery, FAILURE),
  "delivery siblings": (tx, keys, { connection }) => siblingsOf(tx, keys, "shopify", connection),
  "rights list": (tx, _, { subject, request }) =>
    listRightsRequests(tx, { ...LIMIT, subject, ids: [request] }),
  "rights show": (tx, keys, { request }) => showRightsRequest(tx, keys, request),
  "rights find": (tx, _, { request }) => findRequest(tx, request),
  "rights lock": (tx, _, { request }) => lockRequest(tx, request),
  "rights details": (tx, keys, { request }) => openDetails(tx, keys, request),
  "rights shred": (tx, _, { request }) => shredDetails(tx, request),
  "rights tasks": (tx, _, { request }) => tasksOf(tx, { requests: [request] }),
  "rights task": (tx, _, { task }) => findTask(tx, task, { lock: true }),
  "rights task asked": (tx, _, { task }) => markAsked(tx, task, 7),
  "rights parts": (tx, keys, { request }) => openParts(tx, keys, request),
  "rights bundle": (tx, _, { request }) => bundleOf(tx, request),
  "rights bundle taken": (tx, keys, { request }) => takeBundle(tx, keys, request),
  "rights notices": (tx, _, { request }) => noticesOf(tx, [request]),
  "rights notice": (tx, _, { notice }) => openNotice(tx, notice),
  "rights challenge": (tx, _, { challenge }) => challengeOfLink(tx, challenge, { lock: true }),
  "rights challenge used": (tx, _, { challenge }) => useChallenge(tx, challenge),
  "rights code": (tx, keys, { request }) => tryCode(tx, keys, request, "000000"),
  "rights evidence": (tx, keys, { request }) =>
    issueEvidence(tx, keys, request, { backupDays: 30, now: new Date() }),
  "rights forget": (tx, _, { subject }) => forgetRequests(tx, { family: [subject] }),
  "holds list": (tx, _, { subject }) => holdsOf(tx, subject),
  "holds any": (tx, _, { subject }) => areHeld(tx, [subject]),
  "holds check": (tx, _, { subject }) => checkHolds(tx, subject),
  "holds of a connection": (tx, _, { connection }) => heldThrough(tx, connection),
  "holds forget": (tx, _, { subject }) => forgetHolds(tx, { family: [subject] }),
};

const FAILURE = { code: "test/failed", message: "failed", retry: false };
