import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CHALLENGE_LASTS,
  codeOf,
  findRequest,
  linkToken,
  lockRequest,
  moveRequest,
  newChallenge,
  passphraseFor,
} from "#rights";
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

/** A request that was made here, and a message to verify by, which the workflow would have sent. */
async function verifying(body: unknown = ERASURE) {
  const id = await asked(body);
  const keys = await rooms.ring.keys(controllerId);
  const challenge = await rooms.database.inController(controllerId, async (tx) => {
    const request = await lockRequest(tx, id);
    if (request?.status === "received") await moveRequest(tx, request, "verifying", { actor: "hub" });
    const made = await newChallenge(tx, id);
    if (made === undefined) throw new Error("no challenge");
    return made.id;
  });
  const code = codeOf(keys, challenge);
  const token = linkToken(keys, "verify", controllerId, challenge);
  const wrong = code === "00000000" ? "11111111" : "00000000";
  return { id, challenge, code, wrong, token, link: `/rights/verify/${token}` };
}
const type = (id: string, code: string) => post(`/rights/${controllerId}/${id}/verify`, { code });
const runOut = (challenge: string) =>
  rooms.superuser(
    (sql) =>
      sql`update rights_challenge set expires_at = now() - interval '1 second' where id = ${challenge}`,
  );

describe("the code of a message", () => {
  test("verifies once, typed with spaces or hyphens or without", async () => {
    const { id, code } = await verifying();
    const response = await type(id, `${code.slice(0, 4)} ${code.slice(4, 6)}-${code.slice(6)}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "verified", kind: "erasure" });
    expect(await found(id)).toBe("verified");
    expect(await outcome(await type(id, code))).toEqual([403, "rights/wrong-code"]);
  });

  test("gives whoever asked for a copy the passphrase of their file", async () => {
    const { id, code } = await verifying({ kind: "access", email: EMAIL });
    const keys = await rooms.ring.keys(controllerId);
    expect(await (await type(id, code)).json()).toEqual({
      ...{ status: "verified", kind: "access" },
      passphrase: passphraseFor(keys, id),
    });
  });

  test("that is wrong five times is spent, and so is the right one; the link is good still", async () => {
    const { id, code, wrong, link } = await verifying();
    for (let n = 0; n < 5; n++)
      expect(await outcome(await type(id, wrong))).toEqual([403, "rights/wrong-code"]);
    expect(await outcome(await type(id, code))).toEqual([403, "rights/code-spent"]);
    expect(await found(id)).toBe("verifying");
    expect((await post(link)).status).toBe(200);
    expect(await found(id)).toBe("verified");
  });

  test("is the code, whole, and nothing more", async () => {
    const { id, code } = await verifying();
    for (const typed of [`${code}0`, code.slice(0, 7), "", " ", `${code.slice(0, 7)}é`])
      expect(await outcome(await type(id, typed))).toEqual([403, "rights/wrong-code"]);
    expect(await found(id)).toBe("verifying");
  });

  test("is too old after two days", async () => {
    const { id, code, challenge } = await verifying();
    expect(CHALLENGE_LASTS).toBe(2 * 86_400_000);
    await runOut(challenge);
    expect(await outcome(await type(id, code))).toEqual([403, "rights/wrong-code"]);
  });

  test("is none of another request, of one that waits for none, or of none", async () => {
    const { code } = await verifying();
    const other = await verifying({ ...ERASURE, email: "bob@example.com" });
    const received = await asked({ kind: "access", email: EMAIL });
    for (const id of [other.id, received, crypto.randomUUID(), "x"])
      expect(await outcome(await type(id, code))).toEqual([403, "rights/wrong-code"]);
    controllerId = await rooms.controller();
    expect(await outcome(await type(other.id, other.code))).toEqual([403, "rights/wrong-code"]);
  });

  test("that is no code at all is refused without what was typed", async () => {
    const { id } = await verifying();
    for (const body of [
      "{",
      { code: 12345678 },
      { code: "CANARY".repeat(9) },
      { code: "1", more: "CANARY" },
    ]) {
      const response = await post(`/rights/${controllerId}/${id}/verify`, body);
      const text = await response.text();
      expect([response.status, text]).toEqual([400, expect.stringContaining("rights/bad-body")]);
      expect(text).not.toContain("CANARY");
    }
  });
});
