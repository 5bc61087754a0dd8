import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import { findRequest, lockRequest, moveRequest, openDetails } from "#rights";
import { type ControllerId, RightsRequestId } from "#schemas";
import { freshRooms, openTestDoor, type TestRooms } from "#test";
import type { HttpServer } from "./index.ts";

let rooms: TestRooms;
let server: HttpServer;
let controllerId: ControllerId;
beforeAll(async () => {
  rooms = await freshRooms();
  server = await openTestDoor(rooms);
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});
beforeEach(async () => {
  controllerId = await rooms.controller();
});

const EMAIL = "ann@example.com";
const ERASURE = { kind: "erasure", email: EMAIL };

/** The controller comes to know somebody, as by a webhook. */
async function know(email: string): Promise<void> {
  const keys = await rooms.ring.keys(controllerId);
  const from = { workflowId: crypto.randomUUID(), connectionId: null, region: null };
  const claim = claimOf(keys, from, subject({ email }));
  await rooms.database.inController(controllerId, (tx) => linkClaims(tx, keys, [claim]));
}

function post(path: string, body: unknown = "", headers: Record<string, string> = {}, to = server) {
  return fetch(`${to.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
const ask = (body: unknown = ERASURE, controller: string = controllerId) =>
  post(`/rights/${controller}`, body);
const asked = async (body: unknown = ERASURE) =>
  RightsRequestId.parse(((await (await ask(body)).json()) as { request: string }).request);
const outcome = async (response: Response) => [
  response.status,
  ((await response.json()) as { code: string }).code,
];
const found = async (id: string) =>
  (await rooms.database.inController(controllerId, (tx) => findRequest(tx, id)))?.status;
const requests = () =>
  rooms.superuser((sql) => sql`select id, kind from rights_request where controller_id = ${controllerId}`);

describe("somebody who asks", () => {
  test("is answered alike, whether they are known, unknown, or have asked before", async () => {
    await know(EMAIL);
    const answers = [];
    for (const email of [EMAIL, "stranger@example.com", EMAIL]) {
      const response = await ask({ kind: "access", email });
      const { request, ...rest } = (await response.json()) as { request: string };
      expect(request).toMatch(/^[0-9a-f-]{36}$/);
      const headers = [...response.headers].filter(([name]) => name !== "date");
      answers.push(JSON.stringify([response.status, rest, headers]));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('[202,{"status":"received"}');
    expect(await requests()).toHaveLength(2);
  });

  test("twice for the same right joins what is in progress; another right, or another's, is another request", async () => {
    const first = await asked();
    expect(await asked({ ...ERASURE, email: "Ann@EXAMPLE.com" })).toBe(first);
    expect(await asked({ kind: "access", email: EMAIL })).not.toBe(first);
    expect(await asked({ ...ERASURE, email: "bob@example.com" })).not.toBe(first);
  });

  test("again at the moment in which somebody moves the request waits for them, and joins it", async () => {
    const id = await asked();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const moved = rooms.database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, id);
      if (request !== undefined) await moveRequest(tx, request, "verifying", { actor: "hub" });
      begin();
      await new Promise((later) => setTimeout(later, 300));
    });
    await begun;
    expect(await asked()).toBe(id);
    await moved;
    expect(await found(id)).toBe("verifying");
  });

  test("is not looked up, and has their address kept sealed only", async () => {
    await know(EMAIL);
    const id = await asked();
    const keys = await rooms.ring.keys(controllerId);
    const [request, details] = await rooms.database.inController(controllerId, async (tx) => [
      await findRequest(tx, id),
      await openDetails(tx, keys, id),
    ]);
    expect(request).toMatchObject({ subjectId: null, status: "received", source: "api", regime: "gdpr" });
    expect(details?.emails).toEqual([EMAIL]);
    const [row] = await rooms.superuser(
      (sql) => sql`select r::text as text from rights_request r where id = ${id}`,
    );
    expect(row?.text).not.toContain(Buffer.from(EMAIL).toString("hex"));
    expect(row?.text).not.toContain("ann@");
  });

  test("is answered by the law that the controller answers by: nobody chooses one that asks for less proof", async () => {
    await rooms.superuser(
      (sql) => sql`update controller set regime = 'uk_gdpr' where controller_id = ${controllerId}`,
    );
    const request = await asked({ kind: "opt_out_of_sale", email: EMAIL });
    const recorded = await rooms.database.inController(controllerId, (tx) => findRequest(tx, request));
    expect(recorded).toMatchObject({ regime: "uk_gdpr" });
    for (const regime of ["ccpa", "uk_gdpr", "platform"])
      expect(await outcome(await ask({ ...ERASURE, regime }))).toEqual([400, "rights/bad-body"]);
  });

  test("for a correction says what is right, and each is a request of its own", async () => {
    const rectification = { kind: "rectification", email: "rita@example.com" };
    expect(await outcome(await ask(rectification))).toEqual([400, "rights/no-corrections"]);
    expect(await outcome(await ask({ ...rectification, corrections: {} }))).toEqual([400, "rights/bad-body"]);
    const first = await asked({ ...rectification, corrections: { familyName: "Baker" } });
    expect(await asked({ ...rectification, corrections: { familyName: "Cook" } })).not.toBe(first);
  });

  test("in a way that cannot be read is told the places that are wrong, and nothing of what they wrote", async () => {
    for (const [body, places] of [
      ["{", "the body"],
      ["[]", "the body"],
      [{ kind: "CANARY", email: EMAIL }, "kind"],
      [{ kind: "erasure" }, "email"],
      [{ kind: "erasure", email: "CANARY" }, "email"],
      [{ ...ERASURE, name: "CANARY" }, "the body"],
      [
        {
          kind: "rectification",
          email: EMAIL,
          corrections: { phone: "CANARY", address: { city: "CANARY" } },
        },
        "corrections.phone, corrections.address.line1, corrections.address.country",
      ],
    ] as const) {
      const response = await ask(body);
      const text = await response.text();
      expect([response.status, text]).toEqual([400, expect.stringContaining(`wrong: ${places}"`)]);
      expect(text).toContain("rights/bad-body");
      expect(text).not.toContain("CANARY");
    }
    expect((await ask(JSON.stringify({ ...ERASURE, x: "D".repeat(17_000) }))).status).toBe(413);
    expect(await requests()).toEqual([]);
  });

  test("of a controller that is not here is told so", async () => {
    for (const controller of ["x", crypto.randomUUID(), "00000000-0000-0000-0000-000000000000"])
      expect(await outcome(await ask(ERASURE, controller))).toEqual([404, "rights/unknown-controller"]);
  });

  test("does so with POST only", async () => {
    for (const path of [`/rights/${controllerId}`, `/rights/${controllerId}/${crypto.randomUUID()}/verify`])
      for (const method of ["GET", "PUT", "DELETE"]) {
        const response = await fetch(server.url + path, { method });
        expect(response.headers.get("allow")).toBe("POST");
        expect(await outcome(response)).toEqual([405, "http/method-not-allowed"]);
      }
  });

  test("may do so from a page of any origin, which can read the answer, refusals too", async () => {
    const origin = "https://shop.example.com";
    const request = { origin, "access-control-request-method": "POST" };
    for (const path of [`/rights/${controllerId}`, `/rights/${controllerId}/${crypto.randomUUID()}/verify`]) {
      const headers = { ...request, "access-control-request-headers": "content-type" };
      const preflight = await fetch(server.url + path, { method: "OPTIONS", headers });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
      expect(preflight.headers.get("access-control-allow-methods")).toBe("POST");
      expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type");
      const refused = await post(path, "{", { origin });
      expect(refused.status).toBe(400);
      expect(refused.headers.get("access-control-allow-origin")).toBe("*");
    }
    const response = await post(`/rights/${controllerId}`, ERASURE, { origin });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([202, "*"]);
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  test("cannot where there is no mail server to verify by", async () => {
    const mute = await openTestDoor(rooms, { mails: false });
    const response = await post(`/rights/${controllerId}`, ERASURE, {}, mute);
    expect(await outcome(response)).toEqual([503, "rights/no-mail"]);
    expect(await requests()).toEqual([]);
    await mute.stop();
  });
});

describe("too many requests", () => {
  test("from one address are held back, whatever they are about", async () => {
    const strict = await openTestDoor(rooms, { maxRights: 3, proxies: 1 });
    const at = (ip: string, email: string) =>
      post(`/rights/${controllerId}`, { kind: "erasure", email }, { "x-forwarded-for": ip }, strict);
    const statuses = [];
    for (const name of "abcd") statuses.push((await at("203.0.113.9", `${name}@example.com`)).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
    const { status, headers } = await fetch(`${strict.url}/rights/verify/x`, {
      headers: { "x-forwarded-for": "203.0.113.9" },
    });
    expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
    // Behind a proxy it is the visitor's address that counts, not the proxy's.
    expect((await at("203.0.113.10", "e@example.com")).status).toBe(202);
    await strict.stop();
  });

  /** How often the hub was told to see to a request, and so may have written. */
  const announced = async (id: string) =>
    (
      await rooms.superuser(
        (sql) =>
          sql`select from runtime_event where name = 'rights/requested' and data->>'requestId' = ${id}`,
      )
    ).length;

  test("in the name of one mailbox, however it is written and whoever is asked, are recorded, and not written of", async () => {
    const controllers = [controllerId, await rooms.controller()];
    const written = [
      "mallorys.victim@gmail.com",
      "MallorysVictim+1@googlemail.com",
      "mallorysvictim@gmail.com",
    ];
    for (let n = 0; n < 5; n++) {
      const email = written[n % 3];
      expect((await ask({ kind: "erasure", email }, controllers[n % 2])).status).toBe(202);
    }
    const id = await asked({ kind: "access", email: written[0] });
    expect([await found(id), await announced(id)]).toEqual(["received", 0]);
    // It is begun with in an hour: that is when it looks forgotten.
    const [row] = await rooms.superuser(
      (sql) =>
        sql`select extract(epoch from announced_at - now()) / 60 as minutes from rights_request where id = ${id}`,
    );
    expect(Number(row?.["minutes"])).toBeCloseTo(40, 0);
    expect(await announced(await asked({ kind: "access", email: "bob@example.com" }))).toBe(1);
  });

  test("lock nobody out: who asks again joins what is in progress, and gets the same answer", async () => {
    const first = await asked({ kind: "erasure", email: "ann+1@example.org" });
    for (let n = 2; n < 7; n++) await asked({ kind: "erasure", email: `ann+${n}@example.org` });
    expect(await asked({ kind: "erasure", email: "ann+1@example.org" })).toBe(first);
    expect(await announced(first)).toBe(1);
    expect(await found(await asked({ kind: "erasure", email: "ann@example.org" }))).toBe("received");
  });

  test("to correct something in one mailbox's name are held back, because each is one of its own", async () => {
    const corrections = { familyName: "Baker" };
    const correct = () => ask({ kind: "rectification", email: "carla@example.org", corrections });
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await correct()).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
  });
});
