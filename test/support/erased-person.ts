import { v4 as uuid, v7 as uuidv7 } from "uuid";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { type Fault, startSequencer, verifyAll } from "#audit";
import { keepContacts, noteDue, recordChoices } from "#consent";
import type { ControllerTransaction } from "#database";
import { claimOf, didOf, findSubjects, type Identifier, restrictSubject, subjectById } from "#identity";
import { subject } from "#kit";
import {
  contactHash,
  findRequest,
  lockRequest,
  openDetails,
  placeHold,
  releaseHolds,
  shredDetails,
} from "#rights";
import {
  AuditEntry,
  type ControllerId,
  type Did,
  HUB,
  Personal,
  type RightsRequestId,
  type SubjectId,
} from "#schemas";
import type { ControllerKeys } from "#vault";
import { cancelRights, openRights } from "#workflows";
import { tombstoneOf } from "../../src/identity/tombstone.ts";
import { eraseHere } from "../../src/workflows/erase-here.ts";
import { openProcessing, type Processing, type Shop } from "./processing.ts";
import { hexOf } from "./reachable.ts";

export const EMAIL = "jenny.o@gmail.com";
export const SECOND_EMAIL = "jenny@work.example.com";
export const PHONE = "+16135550142";
export const SHOPIFY_ID = "7064055069300001";
export const STRIPE_ID = "cus_Jenny0001";

export interface Company {
  readonly controllerId: ControllerId;
  readonly shopify: Shop;
  readonly stripe: Shop;
  readonly customerio: Shop;
}

export const at = {} as { hub: Processing; acme: Company };

/** A hub for the file, a company for each test. */
export function useCompany(): void {
  beforeAll(async () => {
    at.hub = await openProcessing();
  });
  afterAll(() => at.hub.close());
  beforeEach(async () => {
    at.acme = await company();
  });
}

export async function company(): Promise<Company> {
  const controllerId = await at.hub.rooms.controller();
  const [shopify, stripe, customerio] = [
    await at.hub.connect(controllerId, "shopify"),
    await at.hub.connect(controllerId, "stripe"),
    await at.hub.connect(controllerId, "customerio"),
  ];
  return { controllerId, shopify, stripe, customerio };
}

export const inCompany = <T>(work: (tx: ControllerTransaction) => Promise<T>, of = at.acme) =>
  at.hub.rooms.database.inController(of.controllerId, work);
export const keysOf = (of = at.acme) => at.hub.rooms.ring.keys(of.controllerId);

/** What the platforms have sent is processed. */
export const processed = () =>
  at.hub.working(async () => {
    await expect
      .poll(
        async () => {
          const [row] = await at.hub.byHand<{ busy: number }>(
            `select (select count(*) from delivery where status = 'received') + (select count(*) from delivery_payload)
              + (select count(*) from runtime_event where dispatched_at is null)
              + (select count(*) from runtime_run where status = 'running') as busy`,
          );
          return Number(row?.busy);
        },
        { timeout: 20_000 },
      )
      .toBe(0);
  });

let events = 0;
const fresh = (body: string, id: RegExp) => body.replace(id, () => `${uuid()}-${events++}`);

export const viaShopify = (of: Company, id: string, email: string | null, phone: string | null = null) =>
  of.shopify.send("customers-create", (body) =>
    body
      .replaceAll("706405506930370084", id)
      .replace('"bob@example.com"', JSON.stringify(email))
      .replace('"phone": null', `"phone": ${JSON.stringify(phone)}`),
  );
export const viaStripe = (of: Company, id: string, email: string, phone = "+16135550199") =>
  of.stripe.send("customer-created", (body) =>
    fresh(body, /evt_\w+/)
      .replaceAll("cus_QXg1o8vcGmoR32", id)
      .replace("bob@example.com", email)
      .replace("613-555-0188", phone),
  );
/** Customer.io tells of a message to a number, and of nothing else. */
export const viaNumber = (of: Company, phone: string) =>
  of.customerio.send("sms-sent-nobody", (body) => fresh(body, /01KAGV\w+/).replace("+16135550188", phone));

/** Jenny, known by everything that the hub can know somebody by, with everything that it can have of somebody. */
export async function jenny(of = at.acme): Promise<SubjectId> {
  const keys = await keysOf(of);
  // Three subjects that turn out to be one, one after another.
  await viaShopify(of, SHOPIFY_ID, EMAIL, PHONE);
  await viaStripe(of, STRIPE_ID, SECOND_EMAIL);
  await of.shopify.send("orders-create", (body) =>
    body.replaceAll("bob@example.com", EMAIL).replaceAll("706405506930370084", SHOPIFY_ID),
  );
  await processed();
  await viaStripe(of, STRIPE_ID, EMAIL);
  // Her brother has the same telephone, and her neighbour an address that is nearly hers.
  await viaStripe(of, "cus_Brother", "brother@example.com", PHONE);
  await viaStripe(of, "cus_Neighbour", "jennyo+shop@gmail.com");
  await of.shopify.send("email-consent-subscribed", (body) =>
    body.replaceAll("706405506930370084", SHOPIFY_ID).replaceAll("bob@example.com", EMAIL),
  );
  await processed();
  return inCompany(async (tx) => {
    const [found] = await findSubjects(tx, keys, { email: EMAIL });
    const person = await subjectById(tx, found?.id ?? "");
    if (person === undefined) throw new Error("nobody is known");
    const earlier = await request(tx, keys, "objection");
    await recordChoices(tx, person, "operator", [
      {
        ...{ purpose: "email_marketing", state: "withdrawn", method: "in_writing", lawfulBasis: "consent" },
        ...{ jurisdiction: null, evidence: `rights:${earlier}`, occurredAt: new Date().toISOString() },
      },
    ]);
    await restrictSubject(tx, person.id, "objection", earlier);
    await tx.sql`update rights_request set subject_id = ${person.id} where id = ${earlier}`;
    const closed = await lockRequest(tx, earlier);
    if (closed !== undefined) await cancelRights(tx, closed, { actor: "operator" });
    await keepContacts(tx, keys, [
      { emails: [new Personal(EMAIL)], phones: [new Personal(PHONE)], subject: person },
    ]);
    await noteDue(tx, [{ subjectId: person.id, purpose: "email_marketing" }]);
    await placeHold(tx, person, "legal_claims", "MATTER-4711");
    await releaseHolds(tx, person);
    for (const status of ["open", "done_verified"])
      await tx.sql`insert into consent_push (controller_id, id, subject_id, connection_id, purpose, state, status)
        values (${of.controllerId}, ${uuid()}, ${person.id}, ${of.shopify.connection}, 'email_marketing', 'withdrawn', ${status})`;
    return person.id;
  }, of);
}

/** A request that an operator took down for Jenny. */
export async function request(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  kind: "erasure" | "objection",
): Promise<RightsRequestId> {
  const details = { emails: [EMAIL], phones: [], platformIds: [], region: null, corrections: null };
  const opened = await openRights(tx, keys, {
    ...{ source: "operator", actor: "operator", kind, scope: "subject", regime: "gdpr", details },
    ...{ subjectId: null, connectionId: null, delivery: null, platformDays: null },
    receivedAt: new Date().toISOString(),
  });
  return opened.id;
}

/** The hub's own part of an erasure, as `conclude-rights-request` does it. Returns the request's id. */
export async function erased(person: SubjectId, of = at.acme): Promise<RightsRequestId> {
  const keys = await keysOf(of);
  return inCompany(async (tx) => {
    const id = await request(tx, keys, "erasure");
    await tx.sql`update rights_request set subject_id = ${person} where id = ${id}`;
    const [found, details] = [await findRequest(tx, id), await openDetails(tx, keys, id)];
    if (found === undefined || details === undefined) throw new Error("no request");
    if (!(await eraseHere(tx, keys, found, details))) throw new Error("there is a hold");
    await tx.sql`update rights_request set status = 'fulfilled', closed_at = now() where id = ${id}`;
    await shredDetails(tx, id);
    return id;
  }, of);
}

/** What Jenny is known by, as keyed hashes. */
export async function identifiersOf(of = at.acme): Promise<Identifier[]> {
  const keys = await keysOf(of);
  const claim = (connectionId: Shop["connection"], platformId: string) =>
    claimOf(
      keys,
      { workflowId: uuidv7(), connectionId, region: null },
      subject({ emails: [EMAIL, SECOND_EMAIL], phone: PHONE, platformId }),
    );
  const claims = [claim(of.shopify.connection, SHOPIFY_ID), claim(of.stripe.connection, STRIPE_ID)];
  return claims.flatMap(({ strong, weak }) => [...strong, ...weak]);
}

/** Everything that follows from them with all of the controller's keys: pseudonyms, tombstones, the hash of a request's address. */
export async function computable(of = at.acme): Promise<Set<string>> {
  const keys = await keysOf(of);
  const known = await identifiersOf(of);
  const contacts = [EMAIL, SECOND_EMAIL].flatMap((email) => contactHash(keys, email) ?? []);
  const hashes = [
    ...known.map(({ hash }) => hash),
    ...known.map((one) => tombstoneOf(keys, one)),
    ...contacts,
  ];
  return new Set(hashes.map(hexOf));
}

/** What somebody may have kept of them from before: the subjects' ids and DIDs. */
export async function remembered(person: SubjectId, of = at.acme): Promise<Set<string>> {
  const rows = await at.hub.byHand<{ id: SubjectId }>(
    "select id from subject where controller_id = $1 and $2::uuid in (id, merged_into)",
    of.controllerId,
    person,
  );
  return new Set(rows.flatMap(({ id }) => [id, didOf("subject", id).replace("did:lethe:", "")]));
}

export async function logged(type: string, of = at.acme): Promise<AuditEntry[]> {
  const rows = await at.hub.byHand<{ entry: Buffer }>(
    "select entry from audit_event where controller_id = $1 order by id",
    of.controllerId,
  );
  return rows
    .map(({ entry }) => AuditEntry.parse(JSON.parse(entry.toString("utf8"))))
    .filter((entry) => entry.type === type);
}

/** Seals the company's log, and verifies it together with the hub's. What is wrong with it. */
export async function isProven(of = at.acme): Promise<readonly Fault[]> {
  const { database, ring } = at.hub.rooms;
  let witnessed: string | undefined;
  const sequencer = startSequencer({
    ...{ database, ring },
    witness: async (note) => {
      witnessed = note;
    },
    onError: ({ code }) => {
      throw new Error(code);
    },
  });
  const dids = await at.hub.byHand<{ id: ControllerId; did: Did }>(
    "select controller_id as id, did from controller",
  );
  const owner = (id: ControllerId) => ({ id, did: dids.find((one) => one.id === id)?.did as Did });
  const report = () =>
    verifyAll({
      ...{ database, ring, logs: [owner(of.controllerId)] },
      ...{ hubDid: owner(HUB).did, witnessed },
    });
  await expect.poll(async () => (await report()).logs[0]?.pending).toBe(0);
  await sequencer.stop();
  return (await report()).faults;
}
