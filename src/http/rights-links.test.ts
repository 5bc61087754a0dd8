import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { claimOf, linkClaims } from "#identity";
import { subject } from "#kit";
import {
  linkToken,
  lockRequest,
  moveRequest,
  type NewRequest,
  newChallenge,
  openRequest,
  passphraseFor,
  saveBundle,
  tryCode,
} from "#rights";
import type { ControllerId, RightsKind } from "#schemas";
import { freshRooms, openTestDoor, type TestRooms } from "#test";
import type { HttpServer } from "./index.ts";

let rooms: TestRooms;
let server: HttpServer;
let controllerId: ControllerId;
beforeAll(async () => {
  rooms = await freshRooms();
  server = await openTestDoor(rooms, { maxRights: 10_000 });
});
afterAll(async () => {
  await server.stop();
  await rooms.drop();
});
beforeEach(async () => {
  controllerId = await rooms.controller();
});

const go = (method: "GET" | "POST", path: string) => fetch(server.url + path, { method });
const status = async (id: string) =>
  (await rooms.database.inController(controllerId, (tx) => lockRequest(tx, id)))?.status;

/** A request whose person was sent a link. */
async function verifying(kind: RightsKind = "erasure") {
  const keys = await rooms.ring.keys(controllerId);
  const details = { emails: ["ann@example.com"], phones: [], platformIds: [], region: null };
  const given: NewRequest = {
    ...{ source: "api", actor: "person", kind, scope: "subject", regime: "gdpr", subjectId: null },
    ...{ connectionId: null, delivery: null, details: { ...details, corrections: null } },
    ...{ receivedAt: "2025-11-01T10:00:00Z", platformDays: null },
  };
  return rooms.database.inController(controllerId, async (tx) => {
    const { id } = await openRequest(tx, keys, given);
    const request = await lockRequest(tx, id);
    if (request === undefined) throw new Error("no request");
    await moveRequest(tx, request, "verifying", { actor: "hub" });
    const challenge = (await newChallenge(tx, id))?.id ?? "";
    const token = linkToken(keys, "verify", controllerId, challenge);
    return { id, keys, challenge, token, link: `/rights/verify/${token}` };
  });
}

/** One whose file can be downloaded. */
async function downloadable(file = Buffer.from("the file, encrypted")) {
  const { id, keys } = await verifying("access");
  await rooms.database.inController(controllerId, (tx) => saveBundle(tx, keys, id, file));
  const token = linkToken(keys, "download", controllerId, id);
  return { id, keys, file, token, link: `/rights/download/${token}` };
}

/** What every page says to browsers: nothing is loaded, kept, framed, or told to others; its own style sheet is shown. */
async function expectPage(response: Response): Promise<string> {
  const html = await response.text();
  const [, css = ""] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
  const hash = createHash("sha256").update(css).digest("base64");
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
  });
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
  return html;
}

/** The token with one bit of one of its bytes turned, for each byte; and in other ways not itself. */
function tampered(token: string): string[] {
  const bytes = Buffer.from(token, "base64url");
  const turned = [...bytes.keys()].map((index) => {
    const other = Buffer.from(bytes);
    other[index] = (other[index] ?? 0) ^ 1;
    return other.toString("base64url");
  });
  return [...turned, token.slice(0, -1), `${token}A`, `${token}=`, "x", `${token.slice(0, -2)}%00`];
}

describe("the link of a message", () => {
  test("does nothing when it is looked at, by people or by programs that look into mail", async () => {
    const { id, link } = await verifying();
    for (let looks = 0; looks < 3; looks++) {
      const response = await go("GET", link);
      expect(response.status).toBe(200);
      expect(await expectPage(response)).toContain('<form method="post"><button>Yes, I made this request');
    }
    expect((await fetch(server.url + link, { method: "HEAD" })).status).toBe(200);
    expect(await status(id)).toBe("verifying");
  });

  test("verifies when the button is pressed, once, and says by when there is an answer", async () => {
    const { id, link } = await verifying();
    const pressed = await go("POST", link);
    expect(pressed.status).toBe(200);
    const html = await expectPage(pressed);
    expect(html).toContain("your request is confirmed");
    expect(html).toMatch(/by e-mail by 1 December 2025, end of day \(\w+/);
    expect(html).not.toContain("passphrase&");
    expect(await status(id)).toBe("verified");
    for (const method of ["GET", "POST"] as const) {
      const again = await go(method, link);
      expect(again.status).toBe(410);
      expect(await expectPage(again)).toContain("This link has been used");
    }
  });

  test("shows whoever asked for a copy their passphrase, this once", async () => {
    const { id, keys, link } = await verifying("access");
    const passphrase = passphraseFor(keys, id);
    expect(await (await go("GET", link)).text()).not.toContain(passphrase);
    expect(await expectPage(await go("POST", link))).toContain(passphrase);
    expect(await (await go("POST", link)).text()).not.toContain(passphrase);
  });

  test("pressed twice at once verifies once", async () => {
    const { link } = await verifying();
    const pressed = await Promise.all([go("POST", link), go("POST", link), go("POST", link)]);
    expect(pressed.map((one) => one.status).toSorted()).toEqual([200, 410, 410]);
  });

  test("pressed while somebody moves the request waits for them, and then works", async () => {
    const { id, link } = await verifying();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    // As a typed code does: the request is locked first, the challenges after it.
    const moved = rooms.database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, id);
      begin();
      await new Promise((later) => setTimeout(later, 300));
      if (request !== undefined) await tryCode(tx, await rooms.ring.keys(controllerId), id, "wrong");
    });
    await begun;
    const [pressed] = await Promise.all([go("POST", link), moved]);
    expect(pressed.status).toBe(200);
    expect(await status(id)).toBe("verified");
  });

  test("proves who has the address, and not that they are whom a request names", async () => {
    const keys = await rooms.ring.keys(controllerId);
    const from = { workflowId: crypto.randomUUID(), connectionId: null, region: null };
    const claim = claimOf(keys, from, subject({ email: "jenny@example.com" }));
    const { id, link } = await verifying("access");
    await rooms.database.inController(controllerId, (tx) => linkClaims(tx, keys, [claim]));
    await rooms.superuser(
      (sql) => sql`update rights_request r set subject_id = s.id from subject s
        where r.id = ${id} and s.controller_id = ${controllerId}`,
    );
    expect((await go("POST", link)).status).toBe(200);
    const request = await rooms.database.inController(controllerId, (tx) => lockRequest(tx, id));
    expect(request).toMatchObject({ status: "verified", subjectId: null });
  });

  test("that is too old, or whose request has ended, does not work any more", async () => {
    const old = await verifying();
    await rooms.superuser(
      (sql) =>
        sql`update rights_challenge set expires_at = now() - interval '1 second' where id = ${old.challenge}`,
    );
    for (const method of ["GET", "POST"] as const) {
      const response = await go(method, old.link);
      expect(response.status).toBe(410);
      expect(await expectPage(response)).toContain("This link does not work any more");
    }
    expect(await status(old.id)).toBe("verifying");
    const cancelled = await verifying("access");
    await rooms.database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, cancelled.id);
      if (request !== undefined) await moveRequest(tx, request, "cancelled", { actor: "operator" });
    });
    expect((await go("POST", cancelled.link)).status).toBe(410);
    expect(await status(cancelled.id)).toBe("cancelled");
  });

  test("of which any byte is another is no link", async () => {
    const { id, token } = await verifying();
    for (const other of tampered(token)) {
      const response = await go("POST", `/rights/verify/${other}`);
      expect([other, response.status]).toEqual([other, 404]);
      await expectPage(response);
    }
    expect(await status(id)).toBe("verifying");
  });

  test("is good for what it was made for, and for the controller that it was made by", async () => {
    const { id, challenge, token, keys } = await verifying("access");
    const strange = await rooms.controller();
    const theirs = await rooms.ring.keys(strange);
    for (const other of [
      linkToken(theirs, "verify", controllerId, challenge),
      linkToken(keys, "verify", strange, challenge),
      linkToken(keys, "download", controllerId, challenge),
      linkToken(keys, "verify", crypto.randomUUID() as ControllerId, challenge),
    ])
      expect((await go("POST", `/rights/verify/${other}`)).status).toBe(404);
    // Genuine, but the other controller has no such challenge.
    const empty = linkToken(theirs, "verify", strange, challenge);
    expect((await go("POST", `/rights/verify/${empty}`)).status).toBe(410);
    expect((await go("POST", `/rights/download/${token}`)).status).toBe(404);
    expect(await status(id)).toBe("verifying");
  });
});

describe("the link to a file", () => {
  test("leads to a page; its button downloads, as often as it takes", async () => {
    const { link, file, id } = await downloadable();
    const looked = await go("GET", link);
    expect(looked.status).toBe(200);
    expect(await expectPage(looked)).toContain('<form method="post"><button>Download the file');
    for (let times = 0; times < 2; times++) {
      const downloaded = await go("POST", link);
      expect(downloaded.status).toBe(200);
      expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(file);
      expect(Object.fromEntries(downloaded.headers)).toMatchObject({
        "content-type": "application/zip",
        "content-disposition": 'attachment; filename="your-data.zip"',
        "cache-control": "no-store",
        "content-security-policy": expect.stringContaining("default-src 'none'"),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      });
    }
    const rows = await rooms.superuser(
      (sql) => sql`select downloads from rights_bundle where request_id = ${id}`,
    );
    expect(rows).toEqual([{ downloads: 2 }]);
  });

  test("is answered by a page once its time is up", async () => {
    const { id, link } = await downloadable();
    await rooms.superuser(
      (sql) =>
        sql`update rights_bundle set expires_at = now() - interval '1 second' where request_id = ${id}`,
    );
    for (const method of ["GET", "POST"] as const) {
      const response = await go(method, link);
      expect(response.status).toBe(410);
      expect(await expectPage(response)).toContain("This link does not work any more");
    }
  });

  test("of which any byte is another is no link, nor is one of another kind or controller", async () => {
    const { id, token, keys } = await downloadable();
    const theirs = await rooms.ring.keys(await rooms.controller());
    for (const other of [
      ...tampered(token),
      linkToken(keys, "verify", controllerId, id),
      linkToken(theirs, "download", controllerId, id),
    ])
      expect([other, (await go("POST", `/rights/download/${other}`)).status]).toEqual([other, 404]);
  });
});
