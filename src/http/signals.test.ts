import { sign } from "hono/jwt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { browserSecret, listConsents, recordChoices, rotateBrowserSecret } from "#consent";
import { claimOf, linkClaims, subjectById } from "#identity";
import { subject } from "#kit";
import type { ConnectionId, ControllerId } from "#schemas";
import { freshRooms, openTestDoor, STRINGS, type TestRooms } from "#test";

import type { HttpServer } from "./index.ts";

let rooms: TestRooms;
let server: HttpServer;
let controllerId: ControllerId;
beforeAll(async () => {
  rooms = await freshRooms();
  server = await openTestDoor(rooms, { maxSignals: 1_000 });
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});
beforeEach(async () => {
  controllerId = await rooms.controller();
  await know({ email: "ann@example.com" });
});

const ANN = { email: "ann@example.com" };

/** The controller comes to know somebody, as by a webhook. */
async function know(
  by: Parameters<typeof subject>[0],
  connectionId: ConnectionId | null = null,
): Promise<void> {
  const keys = await rooms.ring.keys(controllerId);
  const claim = claimOf(keys, { workflowId: crypto.randomUUID(), connectionId, region: null }, subject(by));
  await rooms.database.inController(controllerId, (tx) => linkClaims(tx, keys, [claim]));
}
const subjects = () =>
  rooms.superuser((sql) => sql`select id from subject where controller_id = ${controllerId}`);
const GPC = { "sec-gpc": "1" };

function send(body: unknown, headers: Record<string, string> = {}, controller: string = controllerId) {
  return fetch(`${server.url}/signals/${controller}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
const ledger = () => rooms.database.inController(controllerId, (tx) => listConsents(tx, { limit: 100 }));
const announced = () =>
  rooms.superuser(
    (sql) =>
      sql`select name, data->>'purpose' as purpose from runtime_event where controller_id = ${controllerId}`,
  );
const secretOf = async (id: ControllerId) => {
  const keys = await rooms.ring.keys(id);
  return rooms.database.inController(id, (tx) => browserSecret(tx, keys));
};
const token = async (claims: Record<string, unknown>, secret?: string) =>
  `Bearer ${await sign({ exp: Math.floor(Date.now() / 1_000) + 60, ...claims }, secret ?? (await secretOf(controllerId)), "HS256")}`;

describe("Global Privacy Control", () => {
  test("opts out of sale and sharing, and is announced to every platform", async () => {
    const response = await send({ person: ANN }, GPC);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      recorded: [{ purpose: "sale_or_sharing", state: "withdrawn" }],
      ignored: [],
    });
    expect(await ledger()).toMatchObject([
      {
        ...{ purpose: "sale_or_sharing", state: "withdrawn", nature: "expressed", source: "browser" },
        ...{ method: "global_privacy_control", connection: null, evidence: "Sec-GPC:1", current: true },
      },
    ]);
    expect(await announced()).toEqual([{ name: "consent/changed", purpose: "sale_or_sharing" }]);
  });

  test("that comes with every page is recorded once, and does not undo a consent that follows it", async () => {
    for (let page = 0; page < 3; page++) expect((await send({ person: ANN }, GPC)).status).toBe(200);
    expect(await ledger()).toHaveLength(1);
    const [known] = await subjects();
    const later = new Date().toISOString();
    await rooms.database.inController(controllerId, async (tx) =>
      recordChoices(tx, (await subjectById(tx, known?.id)) as never, "operator", [
        {
          ...{ purpose: "sale_or_sharing", state: "granted", method: "in_person" },
          ...{ jurisdiction: null, evidence: null, occurredAt: later },
        },
      ]),
    );
    await send({ person: ANN }, GPC);
    expect((await ledger()).find(({ current }) => current)?.state).toBe("granted");
  });

  test("of somebody whom the controller does not know makes nobody known, unless the site vouches for them", async () => {
    const person = { email: "stranger@example.com" };
    expect((await send({ person }, GPC)).status).toBe(200);
    expect(await subjects()).toHaveLength(1);
    await send({ person }, { ...GPC, authorization: await token({ person }) });
    expect(await subjects()).toHaveLength(2);
    expect(await ledger()).toHaveLength(1);
  });

  test("is the value 1, and nothing else", async () => {
    for (const value of ["0", "true", "1, 1", "01"])
      expect(await (await send({ person: ANN }, { "sec-gpc": value })).json()).toEqual({
        recorded: [],
        ignored: [],
      });
    expect(await ledger()).toEqual([]);
  });

  test("is said to be supported where browsers look for it", async () => {
    const response = await fetch(`${server.url}/.well-known/gpc.json`);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toEqual({
      gpc: true,
      lastUpdate: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
  });

  test("may come from a page of any origin", async () => {
    const asked = await fetch(`${server.url}/signals/${controllerId}`, {
      method: "OPTIONS",
      headers: {
        origin: "https://shop.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-origin")).toBe("*");
    const sent = await send({ person: ANN }, { ...GPC, origin: "https://shop.example.com" });
    expect(sent.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("of somebody whom a platform knows by its own id is about that person", async () => {
    const { id } = await rooms.connection(controllerId, "shopify");
    const person = { connection: id, customer: "706405506930370084" };
    await know({ platformId: person.customer }, id);
    expect((await send({ person }, GPC)).status).toBe(200);
    expect((await send({ person }, GPC)).status).toBe(200);
    expect(await ledger()).toHaveLength(1);
    const strange = await rooms.connection(await rooms.controller(), "shopify");
    const refused = await send({ person: { ...person, connection: strange.id } }, GPC);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      400,
      "signals/unknown-connection",
    ]);
  });
});

describe("a consent string", () => {
  test("refuses for anybody, but consents only with a token of the controller's own site", async () => {
    const body = { person: ANN, tcf: STRINGS.all };
    const without = (await (await send(body)).json()) as { recorded: unknown[]; ignored: unknown[] };
    expect(without.ignored.length).toBeGreaterThan(0);
    expect((await ledger()).filter(({ state }) => state === "granted")).toEqual([]);
    const response = await send(body, { authorization: await token({ person: ANN }) });
    const vouched = (await response.json()) as typeof without;
    expect(vouched.ignored).toEqual([]);
    expect((await ledger()).filter(({ state }) => state === "granted").length).toBeGreaterThan(0);
  });

  test("that a page sends again and again, or another device instead, adds nothing to the ledger", async () => {
    const authorization = await token({ person: ANN });
    for (const tcf of [STRINGS.all, STRINGS.none, STRINGS.all, STRINGS.none, STRINGS.all])
      expect((await send({ person: ANN, tcf }, { authorization })).status).toBe(200);
    const records = await ledger();
    expect(records).toHaveLength(new Set(records.map(({ purpose, state }) => `${purpose} ${state}`)).size);
  });

  test("that cannot be read is refused, and nothing of it recorded or told", async () => {
    const response = await send({ person: ANN, tcf: "CANARY-not-a-string" }, GPC);
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).toContain("signals/unreadable");
    expect(text).not.toContain("CANARY");
    expect(await ledger()).toEqual([]);
  });
});

describe("a token", () => {
  const refused = async (authorization: string, person: object = ANN) =>
    ((await (await send({ person, tcf: STRINGS.all }, { authorization })).json()) as { code: string }).code;

  test("counts for the person that it names only, and only until it ends", async () => {
    expect(await refused(await token({ person: { email: "bob@example.com" } }))).toBe("signals/bad-token");
    expect(await refused(await token({ person: ANN, exp: 1 }))).toBe("signals/bad-token");
    expect(await refused(await token({ person: ANN, exp: undefined }))).toBe("signals/bad-token");
    const nextWeek = Math.floor(Date.now() / 1_000) + 604_800;
    expect(await refused(await token({ person: ANN, exp: nextWeek }))).toBe("signals/bad-token");
    expect(await refused(await token({}))).toBe("signals/bad-token");
  });

  test("of another controller, of another secret, or unsigned, is none", async () => {
    const other = await secretOf(await rooms.controller());
    expect(await refused(await token({ person: ANN }, other))).toBe("signals/bad-token");
    const [, payload] = (await token({ person: ANN })).split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    expect(await refused(`Bearer ${none}.${payload}.`)).toBe("signals/bad-token");
    const old = await token({ person: ANN });
    await rooms.database.inController(controllerId, rotateBrowserSecret);
    expect(await refused(old)).toBe("signals/bad-token");
    expect(await ledger()).toEqual([]);
    const fresh = await token({ person: { email: "Ann@Example.com" } });
    expect((await send({ person: ANN, tcf: STRINGS.all }, { authorization: fresh })).status).toBe(200);
    expect((await ledger()).length).toBeGreaterThan(0);
  });
});

describe("what cannot be a signal", () => {
  const outcome = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];

  test("gets a clear answer that repeats nothing of it", async () => {
    for (const body of [
      "{",
      "[]",
      { person: { email: "CANARY" } },
      { ...ANN },
      { person: { ...ANN, name: "CANARY" } },
    ]) {
      const response = await send(body, GPC);
      expect(response.status).toBe(400);
      const text = await response.text();
      expect(text).toContain("signals/bad-body");
      expect(text).not.toContain("CANARY");
    }
    expect(await outcome(await send({ person: ANN }, GPC, crypto.randomUUID()))).toEqual([
      404,
      "signals/unknown-controller",
    ]);
    expect(await outcome(await send({ person: ANN }, GPC, "00000000-0000-0000-0000-000000000000"))).toEqual([
      404,
      "signals/unknown-controller",
    ]);
    expect(await outcome(await fetch(`${server.url}/signals/${controllerId}`))).toEqual([
      405,
      "http/method-not-allowed",
    ]);
    expect((await send(JSON.stringify({ person: ANN, gpp: "D".repeat(60_000) }))).status).toBe(413);
  });

  test("the answer does not tell whether anybody is known", async () => {
    const known = await (await send({ person: ANN }, GPC)).text();
    expect(await (await send({ person: ANN }, GPC)).text()).toBe(known);
    expect(await (await send({ person: { email: "nobody@example.com" } }, GPC)).text()).toBe(known);
  });

  test("too many from one address are held back, but not those that the site vouches for", async () => {
    const strict = await openTestDoor(rooms, { maxSignals: 2, proxies: 1 });
    const authorization = await token({ person: ANN });
    const to = (headers: Record<string, string>) =>
      fetch(`${strict.url}/signals/${controllerId}`, {
        method: "POST",
        headers: { ...GPC, ...headers },
        body: JSON.stringify({ person: ANN }),
      });
    for (let i = 0; i < 4; i++) expect((await to({ authorization })).status).toBe(200);
    // Behind a proxy it is the visitor's address that counts, not the proxy's.
    for (let i = 0; i < 4; i++)
      expect((await to({ "x-forwarded-for": `203.0.113.9, 198.51.100.${i}` })).status).toBe(200);
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await to({})).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    // A made-up token is no way around it.
    expect((await to({ authorization: "Bearer made-up" })).status).toBe(429);
    await strict.stop();
  });
});
