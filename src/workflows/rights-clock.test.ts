import { Temporal } from "temporal-polyfill";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMailer, setDeadlines } from "#rights";
import { AuditEntry, type ControllerId, Personal, type RightsRequestId } from "#schemas";
import { openProcessing, type Processing } from "#test";
import { type Mailbox, openMailbox } from "../../test/support/mailbox.ts";
import { openRightsDesk, type RightsDesk } from "../../test/support/rights-requests.ts";
import { cancelRights, denyRights, extendRights, pauseRights, resumeRights, verifyRights } from "./index.ts";

const DAY = 86_400_000;
const EMAIL = "jenny@example.com";
const TEAM = "privacy@acme.example";

let hub: Processing;
let mailbox: Mailbox;
let controllerId: ControllerId;
let desk: RightsDesk;
beforeAll(async () => {
  [hub, mailbox] = await Promise.all([openProcessing(), openMailbox()]);
});
afterAll(async () => {
  await mailbox.close();
  await hub.close();
});
beforeEach(async () => {
  controllerId = await hub.rooms.controller();
  desk = openRightsDesk(hub.rooms, controllerId, EMAIL);
  // A time zone in which clocks are never changed, so that days that pass are all as long.
  await settings({ time_zone: "Asia/Kolkata" });
});

const settings = (columns: Readonly<Record<string, string>>) =>
  Promise.all(
    Object.entries(columns).map(([name, value]) =>
      hub.byHand(`update controller set ${name} = '${value}' where controller_id = $1`, controllerId),
    ),
  );

/** The hub runs, with a mail server, and stops when what is waited for was seen. */
async function running(until: () => Promise<void>): Promise<void> {
  const mailer = createMailer({ url: mailbox.url, from: TEAM });
  await hub.working(until, { mailer, privacyTeam: new Personal(TEAM) }).finally(() => mailer.close());
}

/** When the watch over a request's deadline is to wake, ISO 8601; null while none sleeps. */
async function wakesAt(id: RightsRequestId): Promise<string | null> {
  const rows = await hub.byHand<{ at: string }>(
    `select q.run_at as at from runtime_queue q join runtime_run r on r.id = q.run_id
      where r.function_id like '%watch-rights-clock' and r.status = 'running' and q.kind = 'wake'
        and r.events->0->'data'->>'requestId' = $1
        and (r.events->0->'data'->>'round')::int = (select clock_round from rights_request where id = $1::uuid)`,
    id,
  );
  return rows[0] === undefined ? null : new Date(rows[0].at).toISOString();
}
const asleep = (id: RightsRequestId) => expect.poll(() => wakesAt(id)).not.toBeNull();

/** Days pass: everything that was written, and every sleep, is so much longer ago. The hub must not run meanwhile. */
async function pass(days: number, id: RightsRequestId): Promise<void> {
  const ago = `- ${days} * interval '1 day'`;
  const run = `from runtime_run r where r.id = x.run_id and r.events->0->'data'->>'requestId' = $1`;
  await hub.byHand(
    `update rights_request set received_at = received_at ${ago}, acknowledged_at = acknowledged_at ${ago},
      due_at = due_at ${ago} where id = $1`,
    id,
  );
  await hub.byHand(`update rights_notice set created_at = created_at ${ago} where request_id = $1`, id);
  await hub.byHand(`update runtime_queue x set run_at = x.run_at ${ago} ${run}`, id);
  // What a run remembers that it waits for.
  await hub.byHand(
    `update runtime_step x set result = jsonb_build_object('data',
        to_char((x.result->>'data')::timestamptz at time zone 'UTC' ${ago}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      ${run} and x.result->>'data' ~ '^\\d{4}-\\d\\d-\\d\\dT'`,
    id,
  );
}

/** What was written of a request's clock: `rights.reminded answer 7`. */
async function said(id: RightsRequestId): Promise<string[]> {
  const rows = await hub.byHand<{ entry: Buffer }>(
    "select entry from audit_event where workflow_id = $1 order by position",
    id,
  );
  return rows
    .map(({ entry }) => AuditEntry.parse(JSON.parse(entry.toString("utf8"))))
    .filter(({ type }) => type === "rights.reminded" || type === "rights.overdue")
    .map(({ type, facts }) => `${type} ${facts?.["what"]} ${facts?.["daysLeft"]}`);
}
const told = async (id: RightsRequestId) =>
  (await desk.show(id)).notices.map(({ notice, status }) => `${notice} ${status}`);
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();
/** The day of an instant in Kolkata, and others from it: `2026-11-21`. */
const dayIn = (instant: string, days = 0) =>
  new Date(Date.parse(instant) + 5.5 * 3_600_000 + days * DAY).toISOString().slice(0, 10);

describe("the watch over a deadline", () => {
  test("reminds the privacy team a week and a day before, at nine, and says when it is overdue, across stops of the hub", async () => {
    await settings({ regime: "dpdp", dpdp_days: "10" });
    const id = await desk.open({
      kind: "erasure",
      regime: "dpdp",
      details: { emails: [], phones: ["+919812345678"] },
    });
    const { dueAt, receivedAt } = await desk.show(id);
    const nine = (days: number) => new Date(`${dayIn(receivedAt, days)}T09:00:00+05:30`).toISOString();
    expect(dueAt).toBe(new Date(`${dayIn(receivedAt, 10)}T23:59:59.999+05:30`).toISOString());
    await running(() => desk.until(id, "verifying").then(() => asleep(id)));
    expect(await wakesAt(id)).toBe(nine(3));
    expect(await said(id)).toEqual([]);

    await pass(4, id);
    const reminders = ["rights.reminded answer 7", "rights.reminded answer 1", "rights.overdue answer 0"];
    for (const reminded of [1, 2]) {
      // It woke up while nobody was there, and goes on where it was.
      await running(async () => {
        await expect.poll(() => said(id)).toEqual(reminders.slice(0, reminded));
        await expect.poll(async () => Date.parse((await wakesAt(id)) ?? "")).toBeGreaterThan(Date.now());
        const { to, subject } = await mailbox.next();
        expect([to, subject]).toEqual([[TEAM], expect.stringContaining(`erasure request ${id} is due`)]);
        await expect.poll(() => told(id)).toHaveLength(reminded);
      });
      const due = (await desk.show(id)).dueAt ?? "";
      const tomorrow = new Date(`${dayIn(due, -1)}T09:00:00+05:30`);
      expect(await wakesAt(id)).toBe(
        (reminded === 1 ? tomorrow : new Date(Date.parse(due) + 1)).toISOString(),
      );
      await pass(reminded === 1 ? 6 : 2, id);
    }
    await running(async () => {
      await expect.poll(() => said(id)).toEqual(reminders);
      expect((await mailbox.next()).subject).toContain(`erasure request ${id} is overdue since`);
      await expect.poll(() => told(id)).toEqual(["reminder sent", "reminder sent", "overdue sent"]);
    });
    expect(await desk.show(id)).toMatchObject({ overdue: true, status: "verifying" });
    // There is nothing more to say.
    await pass(30, id);
    await running(() => new Promise((later) => setTimeout(later, 1_000)));
    expect(await said(id)).toEqual(reminders);
    expect(await wakesAt(id)).toBeNull();
  });

  test("of a letter that lay about says the latest thing only", async () => {
    const late = await desk.open({ kind: "erasure", receivedAt: ago(400), details: { emails: [] } });
    const soon = await desk.open({ kind: "access", receivedAt: ago(26), details: { emails: [] } });
    await running(async () => {
      await expect.poll(() => said(late)).toEqual(["rights.overdue answer 0"]);
      await expect.poll(() => said(soon)).toEqual(["rights.reminded answer 7"]);
      await expect.poll(() => told(late)).toEqual(["overdue sent"]);
      await expect.poll(() => told(soon)).toEqual(["reminder sent"]);
      for (let mails = 0; mails < 2; mails++) expect((await mailbox.next()).to).toEqual([TEAM]);
    });
  });

  test("of a request by the CCPA reminds of the confirmation first, unless it was given", async () => {
    const unconfirmed = { kind: "erasure", regime: "ccpa", receivedAt: ago(30) } as const;
    const silent = await desk.open({ ...unconfirmed, details: { emails: [] } });
    const confirmed = await desk.open({ ...unconfirmed, kind: "access", receivedAt: ago(2) });
    await running(async () => {
      await expect.poll(() => said(silent)).toEqual(["rights.overdue acknowledge 0"]);
      await expect.poll(async () => (await desk.show(confirmed)).acknowledgedAt).not.toBeNull();
      const mails = [await mailbox.next(), await mailbox.next()];
      expect(mails.map(({ to }) => to).toSorted()).toEqual([[EMAIL], [TEAM]]);
      await asleep(confirmed);
    });
    expect(await said(confirmed)).toEqual([]);
  });

  test("ends with the request: nobody is reminded of what is closed", async () => {
    await settings({ regime: "dpdp", dpdp_days: "10" });
    const id = await desk.open({ kind: "erasure", regime: "dpdp", details: { emails: [] } });
    await running(() => desk.until(id, "verifying").then(() => asleep(id)));
    await desk.act(id, (tx, request) => cancelRights(tx, request, { actor: "operator" }));
    await pass(12, id);
    await running(() => expect.poll(() => wakesAt(id)).toBeNull());
    expect(await said(id)).toEqual([]);
  });
});

describe("an extension", () => {
  const extend = (id: RightsRequestId) =>
    desk.act(id, (tx, request) => extendRights(tx, request, { actor: "operator", reason: "complexity" }));

  test("moves the deadline, once, and the person is told why and until when", async () => {
    const id = await desk.open({ kind: "access", receivedAt: ago(3) });
    const { receivedAt, dueAt } = await desk.show(id);
    const inMonths = (months: number) => Temporal.PlainDate.from(dayIn(receivedAt)).add({ months });
    const end = (day: Temporal.PlainDate) => new Date(`${day}T23:59:59.999+05:30`).toISOString();
    const weekBefore = (day: Temporal.PlainDate) =>
      new Date(`${day.subtract({ days: 7 })}T09:00:00+05:30`).toISOString();
    expect(dueAt).toBe(end(inMonths(1)));
    await running(async () => {
      await desk.until(id, "verifying");
      expect((await mailbox.next()).to).toEqual([EMAIL]);
      await expect.poll(() => wakesAt(id)).toBe(weekBefore(inMonths(1)));
      await extend(id);
      expect(await desk.show(id)).toMatchObject({ dueAt: end(inMonths(3)), extensionReason: "complexity" });
      const { to, text } = await mailbox.next();
      expect(to).toEqual([EMAIL]);
      expect(text).toContain("It is a complex one");
      const day = inMonths(3).toLocaleString("en-GB", { dateStyle: "long" });
      expect(text).toContain(`by ${day}, end of day (Asia/Kolkata)`);
      await expect.poll(() => wakesAt(id)).toBe(weekBefore(inMonths(3)));
    });
    await expect(extend(id)).rejects.toMatchObject({ code: "rights/no-extension" });
  });

  test("comes too late after the deadline, and there is none by laws that know none", async () => {
    const late = await desk.open({ kind: "access", receivedAt: ago(40) });
    const dpdp = await desk.open({ kind: "erasure", regime: "dpdp" });
    const optOut = await desk.open({ kind: "opt_out_of_sale", regime: "ccpa" });
    for (const id of [late, dpdp, optOut]) {
      const before = await desk.show(id);
      await expect(extend(id)).rejects.toMatchObject({ code: "rights/no-extension" });
      expect(await desk.show(id)).toEqual(before);
    }
    const closed = await desk.open({ kind: "portability" });
    await desk.act(closed, (tx, request) => denyRights(tx, request, "no_match", { actor: "operator" }));
    await expect(extend(closed)).rejects.toMatchObject({ code: "rights/no-extension" });
  });
});

describe("the clock of the UK", () => {
  const by = { actor: "operator" };
  const pause = (id: RightsRequestId) => desk.act(id, (tx, request) => pauseRights(tx, request, by));
  const resume = (id: RightsRequestId) => desk.act(id, (tx, request) => resumeRights(tx, request, by));

  /** Somebody vouches for them as soon as the hub waits for that. */
  async function verified(kind: "access" | "erasure"): Promise<RightsRequestId> {
    const id = await desk.open({ kind, regime: "uk_gdpr", details: { emails: [] } });
    await running(async () => {
      await desk.until(id, "verifying");
      // It begins with proof of who they are, and not before.
      expect(await desk.show(id)).toMatchObject({ dueAt: null, clock: { startsAt: null } });
      await desk.act(id, (tx, request, keys) => verifyRights(tx, keys, request, "document", by));
      await asleep(id);
    });
    return id;
  }

  test("stands still while somebody who wants a copy is asked what they mean, and goes on where it was", async () => {
    const id = await verified("access");
    await hub.byHand(
      `update rights_request set received_at = received_at - interval '9 days', verified_at = verified_at - interval '9 days' where id = $1`,
      id,
    );
    await desk.act(id, setDeadlines);
    const { dueAt } = await desk.show(id);
    await pause(id);
    expect(await desk.show(id)).toMatchObject({ dueAt: null, paused: true, overdue: false });
    await expect(pause(id)).rejects.toMatchObject({ code: "rights/no-pause" });
    // Nobody is reminded of a clock that stands still.
    await running(() => new Promise((later) => setTimeout(later, 500)));
    expect(await wakesAt(id)).toBeNull();

    // It was six days ago that they were asked.
    await hub.byHand(
      `update rights_request set pauses = jsonb_build_array(jsonb_build_object('from', '${ago(6)}', 'until', null)) where id = $1`,
      id,
    );
    await resume(id);
    const later = new Date(Date.parse(dueAt ?? "") + 6 * DAY).toISOString();
    expect(await desk.show(id)).toMatchObject({ dueAt: later, paused: false });
    await expect(resume(id)).rejects.toMatchObject({ code: "rights/not-paused" });
    await running(() =>
      expect.poll(() => wakesAt(id)).toBe(new Date(`${dayIn(later, -7)}T09:00:00+05:30`).toISOString()),
    );
  });

  test("stands still for no other right, and by no other law", async () => {
    await expect(pause(await verified("erasure"))).rejects.toMatchObject({ code: "rights/no-pause" });
    const gdpr = await desk.open({ kind: "access" });
    await expect(pause(gdpr)).rejects.toMatchObject({ code: "rights/no-pause" });
    await expect(resume(gdpr)).rejects.toMatchObject({ code: "rights/not-paused" });
  });
});

describe("a hub without a mail server", () => {
  test("waits for somebody to verify, however long, also if it is asked for again", async () => {
    const id = await desk.open({ kind: "access" });
    await hub.working(async () => {
      await desk.until(id, "verifying");
      expect(await desk.open({ kind: "access" })).toBe(id);
      await expect
        .poll(() => hub.byHand("select from runtime_event where dispatched_at is null"))
        .toEqual([]);
      await expect
        .poll(() =>
          hub.byHand(
            "select from runtime_run where function_id like '%receive%' and status = 'running' and events::text like $1",
            `%${id}%`,
          ),
        )
        .toEqual([]);
    });
    expect(await hub.byHand("select from rights_challenge where request_id = $1", id)).toEqual([]);
    expect((await desk.show(id)).status).toBe("verifying");
  });
});
