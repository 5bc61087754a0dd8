import { v4 as uuid } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { addressesOf, claimOf, linkClaims, subjectById } from "#identity";
import { subject } from "#kit";
import type { ConnectionId, ConsentState, ControllerId, PushId, SubjectId } from "#schemas";
import { freshRooms, type TestRooms } from "#test";
import {
  findPush,
  keepContacts,
  listConsents,
  listPushes,
  noteDue,
  planPushes,
  recordConsents,
  reopenPushes,
  settlePush,
  taskOf,
} from "./index.ts";

let rooms: TestRooms;
let controllerId: ControllerId;
/** Two audiences of Mailchimp's that know the same person. */
let here: ConnectionId;
let elsewhere: ConnectionId;
let person: SubjectId;
beforeAll(async () => {
  rooms = await freshRooms();
});
afterAll(() => rooms.drop());
beforeEach(async () => {
  controllerId = await rooms.controller();
  const credentials = { apiKey: "0123456789abcdef-us21", listId: "a6b5da1054" };
  here = (await rooms.connection(controllerId, "mailchimp", { credentials, account: "a1" })).id;
  elsewhere = (await rooms.connection(controllerId, "mailchimp", { credentials, account: "a2" })).id;
  const email = `${uuid()}@example.com`;
  person = await link(here, "m1", email);
  await link(elsewhere, "m2", email);
});

const PURPOSE = "email_marketing";
const inController = <T>(work: Parameters<typeof rooms.database.inController<T>>[1]) =>
  rooms.database.inController(controllerId, work);
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

async function link(connectionId: ConnectionId, platformId: string, email: string): Promise<SubjectId> {
  const keys = await rooms.ring.keys(controllerId);
  const claim = claimOf(
    keys,
    { workflowId: uuid(), connectionId, region: null },
    subject({ platformId, email }),
  );
  const { subjects } = await inController((tx) => linkClaims(tx, keys, [claim]));
  return subjects.get(claim)?.subjectId as SubjectId;
}
/** The platform reports a choice of so many minutes ago. */
const report = (connectionId: ConnectionId, state: ConsentState, minutes: number, purpose = PURPOSE) =>
  inController((tx) =>
    recordConsents(tx, [
      {
        ...{ workflowId: uuid(), ordinal: 0, subjectId: person, connectionId, purpose, state },
        ...{ nature: "expressed", method: "unknown", source: "platform", jurisdiction: null, evidence: null },
        ...{ occurredAt: minutesAgo(minutes), reportedAt: minutesAgo(minutes) },
      },
    ]),
  );
/** We brought it there so many minutes ago. */
const sent = (connectionId: ConnectionId, state: string, minutes: number) =>
  rooms.superuser(
    (
      sql,
    ) => sql`insert into consent_push (controller_id, id, subject_id, connection_id, purpose, state, status, sent, requested_at, settled_at)
      values (${controllerId}, ${uuid()}, ${person}, ${connectionId}, ${PURPOSE}, ${state}, 'done_verified',
        ${sql.json([{ state, at: minutesAgo(minutes) }])}, ${minutesAgo(minutes)}, ${minutesAgo(minutes)})`,
  );
const plan = async (purpose = PURPOSE) => {
  const planned = await inController((tx) => planPushes(tx, connectors, [{ subjectId: person, purpose }]));
  return planned.map(({ pushId, connectionId }) => ({
    pushId,
    where: connectionId === here ? "here" : "elsewhere",
  }));
};
const to = (where: "here" | "elsewhere", planned: Awaited<ReturnType<typeof plan>>) =>
  planned.find((one) => one.where === where)?.pushId as PushId;
const pushes = () => inController((tx) => listPushes(tx, { limit: 50 }));
const current = async () => {
  const records = await inController((tx) => listConsents(tx, { subject: person, limit: 50 }));
  return records.find((record) => record.current)?.state;
};
/** What is kept to find the person by. */
async function kept(): Promise<{ emails: string[]; phones: string[] } | undefined> {
  const keys = await rooms.ring.keys(controllerId);
  const rows = await rooms.superuser(
    (sql) => sql`select subject_id from consent_contact where controller_id = ${controllerId}`,
  );
  if (rows.length === 0) return undefined;
  const { contactsOf } = await import("./contact.ts");
  const { emails = [], phones = [] } =
    (await inController((tx) => contactsOf(tx, keys, [person]))).get(person) ?? {};
  return { emails: emails.map((one) => one.reveal()), phones: phones.map((one) => one.reveal()) };
}
async function keep(by: { email?: string; phone?: string }): Promise<void> {
  const keys = await rooms.ring.keys(controllerId);
  await inController(async (tx) => {
    const holder = await subjectById(tx, person);
    if (holder === undefined) throw new Error("nobody");
    await keepContacts(tx, keys, [{ ...addressesOf(subject(by), "CA"), subject: holder }]);
  });
}

describe("an opt-out within the hour of one that we brought there", () => {
  test("is the person's own if they came back in between, and is not lifted", async () => {
    await report(here, "granted", 50);
    await report(elsewhere, "withdrawn", 40);
    await sent(here, "withdrawn", 40);
    await report(here, "withdrawn", 40);
    await report(here, "granted", 30);
    await sent(elsewhere, "granted", 30);
    expect(await current()).toBe("granted");
    await report(here, "withdrawn", 20);
    expect(await current()).toBe("withdrawn");
    expect((await plan()).map(({ where }) => where)).toEqual(["elsewhere"]);
  });
});

describe("a platform", () => {
  test("is not taken to hold what was never brought there: a choice that is open again says nothing", async () => {
    await report(elsewhere, "granted", 50);
    const planned = await plan();
    await report(elsewhere, "pending", 40);
    await inController((tx) => settlePush(tx, to("here", planned), { status: "void" }));
    expect(await pushes()).toMatchObject([{ status: "void", state: "granted" }]);
    await report(elsewhere, "withdrawn", 30);
    expect((await plan()).map(({ where }) => where)).toEqual(["here"]);
  });

  test("that has the person twice is asked for both when one of them leaves", async () => {
    await link(here, "m3", `${uuid()}@example.com`).then((other) =>
      rooms.superuser(
        (sql) => sql`update subject set status = 'merged', merged_into = ${person} where id = ${other}`,
      ),
    );
    await report(here, "granted", 50);
    await report(here, "withdrawn", 20);
    expect((await plan()).map(({ where }) => where).sort()).toEqual(["elsewhere", "here"]);
  });

  test("that has two lists for a purpose is asked for both when the person leaves one", async () => {
    const lists = { "permission:a": "news", "permission:b": "news" };
    await rooms.superuser(
      (sql) => sql`update connection set purposes = ${sql.json(lists)} where id = ${here}`,
    );
    await report(here, "withdrawn", 20, "news");
    expect((await plan("news")).map(({ where }) => where)).toEqual(["here"]);
  });

  test("is not asked again for what was left to a person, until somebody chooses again", async () => {
    await report(elsewhere, "granted", 50);
    const planned = await plan();
    const left = { status: "manual", state: "granted", reason: "confirmation_needed" } as const;
    await inController((tx) => settlePush(tx, to("here", planned), left));
    expect(await plan()).toEqual([]);
    await report(elsewhere, "withdrawn", 0);
    expect((await plan()).map(({ where }) => where)).toEqual(["here"]);
  });

  test("whose connection was closed is brought nothing any more", async () => {
    await report(elsewhere, "withdrawn", 20);
    const planned = await plan();
    await rooms.superuser((sql) => sql`update connection set status = 'removed' where id = ${here}`);
    expect(await inController((tx) => findPush(tx, to("here", planned)))).toMatchObject({ active: false });
    expect(await plan()).toEqual([]);
  });
});

describe("an opt-out that is found at a platform", () => {
  const found = async (minutes: number) => {
    await report(here, "granted", 30);
    const planned = await plan();
    const push = to("elsewhere", planned);
    const outcome = { status: "done_verified", state: "granted", optedOutAt: minutesAgo(minutes) } as const;
    return inController((tx) => settlePush(tx, push, outcome));
  };

  test("goes into the ledger and counts everywhere", async () => {
    const { changes } = await found(10);
    expect(changes).toEqual([{ subjectId: person, purpose: PURPOSE }]);
    expect(await current()).toBe("withdrawn");
    expect(await pushes()).toMatchObject([{ status: "done_verified", state: "withdrawn" }]);
    expect((await plan()).map(({ where }) => where)).toEqual(["here"]);
  });

  test("is left to a person if something later is known by then, and does not go round and round", async () => {
    const { changes, pushes: next } = await found(40);
    expect([changes.length, next]).toEqual([expect.any(Number), []]);
    expect(await current()).toBe("granted");
    expect(await pushes()).toMatchObject([{ status: "manual", reason: "opt_out_there", state: "granted" }]);
  });
});

describe("while a platform is being brought in step", () => {
  test("a change of mind is brought there next, however the first one ended", async () => {
    for (const status of ["done_verified", "manual", "failed"] as const) {
      await report(elsewhere, "granted", 50);
      const planned = await plan();
      await report(elsewhere, "withdrawn", 40);
      expect(await plan()).toEqual([]);
      const ended = await inController((tx) =>
        settlePush(tx, to("here", planned), { status, state: "granted" }),
      );
      expect(ended.pushes).toHaveLength(1);
      const push = await inController((tx) => findPush(tx, ended.pushes[0]?.pushId as PushId));
      const keys = await rooms.ring.keys(controllerId);
      const mailchimp = connectors.get("mailchimp");
      if (push === undefined || mailchimp === undefined) throw new Error("nothing is open");
      const task = await inController((tx) => taskOf(tx, keys, mailchimp, push));
      expect(task?.wish.state).toBe("withdrawn");
      await rooms.superuser((sql) => sql`delete from consent_push where controller_id = ${controllerId}`);
      await rooms.superuser((sql) => sql`delete from consent_record where controller_id = ${controllerId}`);
    }
  });

  test("the end of an older run does not end it", async () => {
    await report(elsewhere, "withdrawn", 20);
    const planned = await plan();
    const failed = {
      status: "failed",
      error: { code: "platform/unavailable", message: "…" },
      round: 0,
    } as const;
    await inController((tx) => settlePush(tx, to("here", planned), failed));
    await inController((tx) => reopenPushes(tx, [to("here", planned)]));
    await inController((tx) => settlePush(tx, to("here", planned), failed));
    expect(await pushes()).toMatchObject([{ status: "open" }]);
  });

  test("what was left to a person before is not opened beside it", async () => {
    await report(elsewhere, "granted", 50);
    const planned = await plan();
    await inController((tx) =>
      settlePush(tx, to("here", planned), { status: "manual", state: "granted", reason: "no_credentials" }),
    );
    await report(elsewhere, "withdrawn", 20);
    await plan();
    expect(await inController((tx) => reopenPushes(tx, [to("here", planned)]))).toEqual([]);
  });
});

describe("an address that a choice came with", () => {
  test("is gone when nothing has to be brought anywhere", async () => {
    await report(here, "withdrawn", 20);
    await sent(elsewhere, "withdrawn", 10);
    await keep({ email: "ann@example.com" });
    await plan();
    expect(await kept()).toBeUndefined();
  });

  test("is there as long as a platform is to be brought in step, or a change to be planned", async () => {
    await report(here, "withdrawn", 20);
    await keep({ email: "ann@example.com" });
    const planned = await plan();
    expect(await kept()).toMatchObject({ emails: ["ann@example.com"] });
    await inController((tx) => noteDue(tx, [{ subjectId: person, purpose: "sms_marketing" }]));
    const over = { status: "done_verified", state: "withdrawn" } as const;
    await inController((tx) => settlePush(tx, to("elsewhere", planned), over));
    expect(await kept()).toMatchObject({ emails: ["ann@example.com"] });
    await plan("sms_marketing");
    expect(await kept()).toBeUndefined();
  });

  test("is not lost for another one that comes later", async () => {
    await inController((tx) => noteDue(tx, [{ subjectId: person, purpose: PURPOSE }]));
    await keep({ email: "ann@example.com" });
    await keep({ phone: "+16135550188" });
    expect(await kept()).toEqual({ emails: ["ann@example.com"], phones: ["+16135550188"] });
  });
});
