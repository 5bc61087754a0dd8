import { eventType, type Inngest } from "inngest";
import {
  bundleOf,
  codeOf,
  findRequest,
  isClosed,
  linkToken,
  lockRequest,
  mailTexts,
  noticesOf,
  openDetails,
  openNotice,
  type RightsRequest,
  rightsSettings,
  rightToComplain,
  settleNotice,
  shredDetails,
  tasksOf,
} from "#rights";
import { describeError, type EventData, events, Personal } from "#schemas";
import { failureOf } from "./failure.ts";
import type { WorkflowRooms } from "./index.ts";

const wanted = eventType("rights/notice", { schema: events["rights/notice"] });

type Target = EventData<"rights/notice">;
type Mail = ReturnType<(typeof mailTexts)["verify"]>;

/**
 * An e-mail about a rights request: to the person, or to the privacy team. When the last one of a closed request is out, or
 * cannot be sent, what identified the person goes.
 */
export function tellOfRightsRequest(client: Inngest, rooms: WorkflowRooms) {
  return client.createFunction(
    {
      id: "tell-of-rights-request",
      name: "Tell of a rights request",
      triggers: [wanted],
      concurrency: { limit: 4 },
      // Mail servers turn strangers away for a while on purpose (greylisting).
      retries: 10,
      onFailure: async ({ event, error }) => {
        const target = events["rights/notice"].parse(event.data.event.data);
        await settle(rooms, target, { status: "failed", error: failureOf(error).code });
        await shred(rooms, target);
      },
    },
    async ({ event, step }) => {
      await step.run("send", () => send(rooms, event.data));
      await step.run("shred", () => shred(rooms, event.data));
    },
  );
}

async function send(rooms: WorkflowRooms, target: Target): Promise<void> {
  const { mailer } = rooms.rights;
  const prepared = await prepare(rooms, target);
  if (prepared === undefined) return;
  const { to, mail } = prepared;
  if (mailer === undefined || to === undefined || mail === undefined) {
    await settle(rooms, target, { status: "nobody" });
    return;
  }
  try {
    await mailer.send({ to, ...mail });
  } catch (error) {
    rooms.log.warn(
      { ...describeError(error), request: target.requestId },
      "a message about a rights request could not be sent",
    );
    throw error;
  }
  await settle(rooms, target, { status: "sent" });
}

/** What is to be written to whom: open, for use within one step. Undefined if it was sent already. */
async function prepare(
  rooms: WorkflowRooms,
  { controllerId, requestId, noticeId }: Target,
): Promise<{ to: Personal | undefined; mail: Mail | undefined } | undefined> {
  const { database, ring, connectors, rights } = rooms;
  const keys = await ring.keys(controllerId);
  return database.inController(controllerId, async (tx) => {
    const notice = await openNotice(tx, noticeId);
    const request = await findRequest(tx, requestId);
    if (notice === undefined || request === undefined) return undefined;
    const { name: controller, timeZone } = await rightsSettings(tx);
    const [email] = (await openDetails(tx, keys, requestId))?.emails ?? [];
    const facts = { controller, requestId, kind: request.kind };
    const when = (at: string) => ({ at, timeZone });
    const person = (mail: Mail | undefined) => ({
      // A platform's customer is the shop's to answer.
      to: email === undefined || request.source === "platform" ? undefined : new Personal(email),
      mail,
    });
    const { dueAt, denialReason, extensionReason } = request;
    switch (notice.notice) {
      case "verify": {
        const { challengeId } = notice;
        if (challengeId === null || request.status !== "verifying") return person(undefined);
        const link = `${rights.url()}/rights/verify/${linkToken(keys, "verify", controllerId, challengeId)}`;
        const [row] = await tx.sql<{ expiresAt: string }[]>`
          select expires_at as "expiresAt" from rights_challenge where controller_id = ${controllerId} and id = ${challengeId}`;
        const expires = when(new Date(row?.expiresAt ?? 0).toISOString());
        return person(mailTexts.verify({ ...facts, link, code: codeOf(keys, challengeId), expires }));
      }
      case "extended":
        return person(
          dueAt === null || extensionReason === null
            ? undefined
            : mailTexts.extended({ ...facts, due: when(dueAt), reason: extensionReason }),
        );
      case "denied":
        return person(
          denialReason === null
            ? undefined
            : mailTexts.denied({
                ...facts,
                reason: denialReason,
                complaint: rightToComplain(request.regime),
              }),
        );
      case "closed": {
        const expiry = (await bundleOf(tx, requestId))?.expiresAt;
        if (expiry !== undefined) {
          const link = `${rights.url()}/rights/download/${linkToken(keys, "download", controllerId, requestId)}`;
          return person(mailTexts.ready({ ...facts, link, expires: when(expiry) }));
        }
        const tasks = await tasksOf(tx, { requests: [requestId] });
        const platforms = tasks.flatMap(({ connector, status, basis, until, reason }) =>
          connector === null || status === "open" || status === "asked"
            ? []
            : {
                name: connectors.get(connector)?.name ?? connector,
                ...{
                  outcome: status,
                  byHand: reason === "by_hand",
                  alreadySo: reason === "already_so",
                  putOff: reason === "put_off",
                },
                ...(basis !== null && { retained: { basis, ...(until !== null && { until }) } }),
              },
        );
        const nobody = tasks.some((task) => task.connectionId === null && task.status === "not_found");
        const result = request.status === "fulfilled" ? "fulfilled" : "partly_fulfilled";
        return person(mailTexts.closed({ ...facts, result, platforms, timeZone, nobody }));
      }
      default: {
        const late = notice.notice === "overdue";
        const due = dueOf(request);
        const mail =
          due &&
          mailTexts[late ? "overdue" : "reminder"]({ ...facts, deadline: due.what, due: when(due.at) });
        return { to: rights.privacyTeam, mail };
      }
    }
  });
}

/** The deadline that comes first. */
function dueOf({ acknowledgeBy, acknowledgedAt, dueAt }: RightsRequest) {
  if (acknowledgeBy !== null && acknowledgedAt === null && (dueAt === null || acknowledgeBy < dueAt))
    return { what: "acknowledge", at: acknowledgeBy } as const;
  return dueAt === null ? undefined : ({ what: "answer", at: dueAt } as const);
}

async function settle(
  { database, committed }: WorkflowRooms,
  { controllerId, requestId, noticeId }: Target,
  outcome: Parameters<typeof settleNotice>[3],
): Promise<void> {
  await database.inController(controllerId, async (tx) => {
    // Locked, as by everybody who writes of a request: its entries in the log are a chain, of which two cannot be the next.
    const request = await lockRequest(tx, requestId);
    const notice = await openNotice(tx, noticeId);
    if (notice !== undefined && request !== undefined) await settleNotice(tx, request, notice, outcome);
  });
  committed();
}

async function shred({ database }: WorkflowRooms, { controllerId, requestId }: Target): Promise<void> {
  await database.inController(controllerId, async (tx) => {
    const request = await findRequest(tx, requestId);
    if (request === undefined || !isClosed(request.status)) return;
    const others = await noticesOf(tx, [requestId]);
    if (others.every(({ status }) => status !== "open")) await shredDetails(tx, requestId);
  });
}
