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

  test("may say by which law, but not that a platform asked", async () => {
    const id = await asked({ ...ERASURE, regime: "ccpa" });
    const request = await rooms.database.inController(controllerId, (tx) => findRequest(tx, id));
    expect(request).toMatchObject({ regime: "ccpa", acknowledgeBy: expect.any(String) });
    expect(await outcome(await ask({ ...ERASURE, regime: "platform" }))).toEqual([400, "rights/bad-body"]);
  });

  test("for a correction says what is right, and each is a request of its own", async () => {
    const rectification = { kind: "rectification", email: EMAIL };
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

  test("in the name of one e-mail address are held back, wherever they come from and however it is written", async () => {
    const email = (n: number) => ["ann@example.com", "Ann@Example.com"][n % 2];
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await ask({ kind: "erasure", email: email(n) })).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
    expect((await ask({ ...ERASURE, email: "bob@example.com" })).status).toBe(202);
    controllerId = await rooms.controller();
    expect((await ask()).status).toBe(202);
  });
});
