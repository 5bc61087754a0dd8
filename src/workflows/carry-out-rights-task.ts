import { eventType, type Inngest } from "inngest";
import type { ControllerTransaction } from "#database";
import { platformReferences, referencesAt } from "#identity";
import { credentialStore } from "#intake";
import type { CollectedSet, Connector, KnownPerson, RightsApi } from "#kit";
import {
  allSettled,
  byConsent,
  correctionsOf,
  type Details,
  eraseThere,
  findRequest,
  findTask,
  hasSpokenOf,
  holdsOf,
  isUnderWay,
  knownAt,
  lockRequest,
  markAsked,
  noteAsked,
  noteTaskFailure,
  type Outcome,
  openAsked,
  openDetails,
  type RightsRequest,
  readBackErasure,
  rectifyThere,
  savePart,
  settleTask,
  type Task,
} from "#rights";
import { describeError, type EventData, events, LetheError } from "#schemas";
import { annotate } from "#telemetry";
import type { ControllerKeys } from "#vault";
import { failureOf, lacksCredentials } from "./failure.ts";
import type { WorkflowRooms } from "./index.ts";
import { consentOutcome } from "./rights-by-consent.ts";
import { announceSettled } from "./rights-moves.ts";

const wanted = eventType("rights/task", { schema: events["rights/task"] });

/** Tasks at one connection at a time, and at all: slow platforms must not take all of the executor. */
const AT_ONCE = 2;
const TOGETHER = 8;
/** With the runtimes' backoff, four hours and a half of trying. */
const RETRIES = 10;

type Target = EventData<"rights/task">;

/**
 * One request at one platform: found there, done, looked at again. It is tried again with backoff, or when the platform says
 * so (`Retry-After`); when retries are spent it is `failed`, and somebody may try it again or do it by hand.
 */
export function carryOutRightsTask(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "carry-out-rights-task",
      name: "Carry out a rights request at a platform",
      triggers: [wanted],
      concurrency: [{ limit: AT_ONCE, key: "event.data.connectionId" }, { limit: TOGETHER }],
      retries: RETRIES,
      onFailure: async ({ event, error }) => {
        const target = events["rights/task"].parse(event.data.event.data);
        await settle(rooms, target, { status: "failed", error: failureOf(error) });
      },
    },
    async ({ event, step }) => {
      const { settled, left } = await step.run("act", () => act(rooms, event.data));
      if (settled) return;
      const waits = rooms.rights.readBackAfter;
      for (const [index, wait] of waits.entries()) {
        await step.sleep("until it shows", wait);
        const last = index === waits.length - 1;
        if (await step.run("look again", () => lookAgain(rooms, event.data, left, last))) return;
      }
    },
  );
}

/** Counts and flags only: what is found stays in the step. */
interface Acted {
  readonly settled: boolean;
  /** Entries that the platform's API cannot erase. */
  readonly left: number;
}

const DONE: Acted = { settled: true, left: 0 };

async function act(rooms: WorkflowRooms, target: Target): Promise<Acted> {
  return guarded(rooms, target, DONE, async (work) => {
    const { task, request, keys } = work;
    if (byConsent(request.kind)) return { settled: false, left: 0 };
    if (
      [work.person.platformIds, work.person.emails, work.person.phones].every(({ length }) => length === 0)
    ) {
      await settle(rooms, target, { status: "manual", reason: "nothing_to_find_by" });
      return DONE;
    }
    const { api, connector } = await openThere(rooms, target, work);
    const inController = rooms.database.inController.bind(rooms.database);
    if (request.kind === "erasure") {
      const hold = await inController(target.controllerId, (tx) => isHeld(tx, request));
      if (hold) {
        await settle(rooms, target, { status: "manual", reason: "legal_hold" });
        return DONE;
      }
      let noted = task.asked;
      const done = await eraseThere({
        api,
        repeatable: connector.rights?.repeatable === true,
        person: work.person,
        asked: openAsked(keys, target.controllerId, task),
        note: async (asked) => {
          noted = await inController(target.controllerId, (tx) =>
            noteAsked(tx, keys, { ...task, asked: noted }, asked),
          );
        },
      });
      if ("asked" in done) {
        await inController(target.controllerId, (tx) =>
          markAsked(tx, task.id, done.asked.length + done.left),
        );
        return { settled: false, left: done.left };
      }
      await settle(rooms, target, await unlessKnown(rooms, target, work, done));
      return DONE;
    }
    if (request.kind === "rectification") {
      const done = await rectifyThere(api, work.person, correctionsOf(work.details));
      await settle(rooms, target, await unlessKnown(rooms, target, work, done));
      return DONE;
    }
    const entries = await api.find(work.person);
    const sets: CollectedSet[] = [];
    for (const entry of entries) sets.push(...((await entry.collect?.()) ?? []));
    if (entries.length > 0) await inController(target.controllerId, (tx) => savePart(tx, keys, task, sets));
    // What the API cannot give of somebody who is there is somebody's to look up.
    const left = entries.some(({ collect }) => collect === undefined);
    const collected: Outcome = left
      ? { status: "manual", reason: "no_api", entries: entries.length }
      : { status: entries.length === 0 ? "not_found" : "done", entries: entries.length };
    await settle(rooms, target, await unlessKnown(rooms, target, work, collected));
    return DONE;
  });
}

/**
 * Nobody found is no answer where the platform itself has spoken of the person and we have no id of its own to ask by: then it
 * knows them by an address that we do not have.
 */
async function unlessKnown(
  { database }: WorkflowRooms,
  { controllerId, connectionId }: Target,
  { request, person }: Work,
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.status !== "not_found" || person.platformIds.length > 0) return outcome;
  const knows = await database.inController(controllerId, (tx) => hasSpokenOf(tx, request, connectionId));
  return knows ? { status: "manual", reason: "known_by_something_else", entries: 0 } : outcome;
}

/** Whether nothing more has to be waited for. */
async function lookAgain(
  rooms: WorkflowRooms,
  target: Target,
  left: number,
  last: boolean,
): Promise<boolean> {
  return guarded(rooms, target, true, async (work) => {
    const { task, request, keys } = work;
    const outcome = byConsent(request.kind)
      ? await rooms.database.inController(target.controllerId, (tx) =>
          consentOutcome(tx, request, task, last),
        )
      : await readBackErasure(
          (await openThere(rooms, target, work)).api,
          openAsked(keys, target.controllerId, task),
          {
            ...{ last, left, now: Date.now() },
            retainedUntil: ({ until, basis, lastRecordAt }) =>
              until ??
              (basis === "legal_obligation" ? endOfPeriod(lastRecordAt, rooms.rights.retentionYears) : null),
          },
        );
    if (outcome === undefined) return false;
    await settle(rooms, target, outcome);
    return true;
  });
}

/** Periods of bookkeeping end with a calendar year (§147(4) AO, §257(5) HGB, and elsewhere alike). */
function endOfPeriod(lastRecordAt: string | undefined, years: number): string | null {
  if (lastRecordAt === undefined) return null;
  return new Date(Date.UTC(new Date(lastRecordAt).getUTCFullYear() + years, 11, 31)).toISOString();
}

/** A task with all that it takes, open: for use within one step. */
interface Work {
  readonly task: Task;
  readonly request: RightsRequest;
  readonly details: Details;
  readonly person: KnownPerson;
  readonly keys: ControllerKeys;
}

/** Does the work if the task is still this run's to do; notes what went wrong, and says what cannot go right. */
async function guarded<T>(
  rooms: WorkflowRooms,
  target: Target,
  otherwise: T,
  work: (open: Work) => Promise<T>,
): Promise<T> {
  const open = await findWork(rooms, target);
  if (open === undefined) return otherwise;
  try {
    return await work(open);
  } catch (error) {
    if (lacksCredentials(error)) {
      await settle(rooms, target, { status: "manual", reason: "no_credentials" });
      return otherwise;
    }
    const described = describeError(error);
    rooms.log.warn(
      { ...described, task: target.taskId },
      "a rights request could not be carried out at a platform",
    );
    await rooms.database.inController(target.controllerId, (tx) =>
      noteTaskFailure(tx, target.taskId, described),
    );
    throw error;
  }
}

async function findWork(
  { database, ring }: WorkflowRooms,
  { controllerId, taskId, connectionId, round }: Target,
): Promise<Work | undefined> {
  const keys = await ring.keys(controllerId);
  return database.inController(controllerId, async (tx) => {
    const task = await findTask(tx, taskId);
    if (task === undefined || !isUnderWay(task) || task.round !== round) return undefined;
    const request = await findRequest(tx, task.requestId);
    const details = await openDetails(tx, keys, task.requestId);
    if (request === undefined || details === undefined) return undefined;
    const { subjectId } = request;
    const references = subjectId === null ? new Map() : await platformReferences(tx, keys, [subjectId]);
    const known = subjectId === null ? [] : (references.get(referencesAt(subjectId, connectionId)) ?? []);
    return { task, request, details, keys, person: knownAt(request, connectionId, known, details) };
  });
}

async function openThere(
  { database, connectors }: WorkflowRooms,
  { controllerId }: Target,
  { task, keys }: Work,
): Promise<{ api: RightsApi; connector: Connector }> {
  const connector = connectors.get(task.connector ?? "");
  if (connector?.rights === undefined || task.connectionId === null)
    throw new LetheError(
      "rights/no-connector",
      "the connector is not installed, or cannot fulfil rights requests any more; mend that and run `lethe rights retry`, or complete the task by hand",
    );
  annotate({ "lethe.connector": connector.id });
  const store = credentialStore(database, keys, controllerId, task.connectionId);
  const api = await connector.rights.open((await store.current()) as never, task.account, store);
  return { api, connector };
}

async function isHeld(tx: ControllerTransaction, { subjectId }: RightsRequest): Promise<boolean> {
  return subjectId !== null && (await holdsOf(tx, subjectId)).length > 0;
}

async function settle(
  { database, committed }: WorkflowRooms,
  { controllerId, taskId, round }: Target,
  outcome: Outcome,
): Promise<void> {
  await database.inController(controllerId, async (tx) => {
    const task = await findTask(tx, taskId);
    // The request is locked first, as everybody does who moves it: of two tasks that end at once one sees the other's end.
    const request = task && (await lockRequest(tx, task.requestId));
    if (request === undefined) return;
    const ended = await settleTask(tx, request, taskId, outcome, { actor: "hub", round });
    if (ended && (await allSettled(tx, request.id))) await announceSettled(tx, request.id);
  });
  committed();
}
