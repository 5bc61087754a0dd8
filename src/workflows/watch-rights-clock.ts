import { eventType, type Inngest } from "inngest";
import type { ControllerTransaction } from "#database";
import {
  clockFor,
  findRequest,
  isClosed,
  lockRequest,
  noteAct,
  noticesOf,
  planNotice,
  type RightsRequest,
  remindersOf,
  rightsSettings,
} from "#rights";
import { type EventData, events } from "#schemas";
import type { WorkflowRooms } from "./index.ts";
import { announceNotice } from "./rights-moves.ts";

const started = eventType("rights/clock", { schema: events["rights/clock"] });

type Target = EventData<"rights/clock">;

/** Nobody needs more than these; a loop without an end would be one. */
const MOST = 20;

/**
 * Sleeps until a request's next reminder, and again, until it is closed or has another deadline: sleeping is durable, so that
 * a restart makes no difference. The moment that a deadline passes, it says so.
 */
export function watchRightsClock(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    { id: "watch-rights-clock", name: "Watch a deadline", triggers: [started], retries: 20 },
    async ({ event, step }) => {
      for (let reminders = 0; reminders < MOST; reminders++) {
        const next = await step.run("next", () => nextReminder(rooms, event.data));
        if (next === null) return;
        await step.sleepUntil("until it is time", new Date(next));
        await step.run("remind", () => remind(rooms, event.data, next));
      }
    },
  );
}

/** The next reminder, ISO 8601: the latest that was missed, such as of a letter that lay about, or the first to come. */
async function nextReminder(
  { database }: WorkflowRooms,
  { controllerId, requestId, round }: Target,
): Promise<string | null> {
  return database.inController(controllerId, async (tx) => {
    const request = await findRequest(tx, requestId);
    if (request === undefined || request.clockRound !== round || isClosed(request.status)) return null;
    const given = (await noticesOf(tx, [requestId]))
      .filter(({ notice }) => notice === "reminder" || notice === "overdue")
      .map(({ createdAt }) => Date.parse(createdAt));
    const after = Math.max(0, ...given);
    const toCome = (await reminders(tx, request)).filter(({ at }) => Date.parse(at) > after);
    const missed = toCome.filter(({ at }) => Date.parse(at) <= Date.now());
    return (missed.at(-1) ?? toCome[0])?.at ?? null;
  });
}

async function reminders(tx: ControllerTransaction, request: RightsRequest) {
  const settings = await rightsSettings(tx);
  const { timeZone } = settings;
  return remindersOf(clockFor(request, settings), {
    acknowledged: request.acknowledgedAt !== null,
    timeZone,
  });
}

async function remind(
  { database, log, committed }: WorkflowRooms,
  { controllerId, requestId, round }: Target,
  at: string,
): Promise<void> {
  const late = await database.inController(controllerId, async (tx) => {
    const request = await lockRequest(tx, requestId);
    if (request === undefined || request.clockRound !== round || isClosed(request.status)) return undefined;
    const reminder = (await reminders(tx, request)).find((one) => one.at === at);
    if (reminder === undefined) return undefined;
    const overdue = reminder.daysLeft === 0;
    const { what, daysLeft } = reminder;
    await noteAct(
      tx,
      request,
      overdue ? "rights.overdue" : "rights.reminded",
      { actor: "hub" },
      { what, daysLeft },
    );
    await announceNotice(tx, await planNotice(tx, requestId, overdue ? "overdue" : "reminder"));
    return overdue;
  });
  if (late === undefined) return;
  log.warn(
    { request: requestId, code: late ? "rights/overdue" : "rights/due-soon" },
    late ? "a rights request is overdue" : "a rights request is due soon",
  );
  committed();
}
