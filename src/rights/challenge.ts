import { timingSafeEqual } from "node:crypto";
import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import { ControllerId, type RightsRequestId } from "#schemas";
import { type ControllerKeys, keyedHash } from "#vault";
import { passphraseOf } from "./bundle/index.ts";
import { rightsErrors } from "./errors.ts";

/** Milliseconds that a link and a code are good for. */
export const CHALLENGE_LASTS = 48 * 3_600_000;
/** Wrong codes that a message may have tried; its link goes on being good, because nobody guesses that. */
export const CODE_ATTEMPTS = 5;
/** Messages for one request, and milliseconds between two. */
const MOST_CHALLENGES = 3;
const BETWEEN = 10 * 60_000;

export interface Challenge {
  readonly id: string;
  readonly expiresAt: string;
}

/** A new message to verify by; undefined where there were enough, or one a moment ago. */
export async function newChallenge(
  { sql, controllerId }: ControllerTransaction,
  requestId: RightsRequestId,
): Promise<Challenge | undefined> {
  const [sent] = await sql<{ count: number; fresh: boolean }[]>`
    select count(*)::int as count, coalesce(bool_or(created_at > now() - ${BETWEEN / 1_000}::int * interval '1 second'), false) as fresh
    from rights_challenge where controller_id = ${controllerId} and request_id = ${requestId}`;
  if (sent !== undefined && (sent.count >= MOST_CHALLENGES || sent.fresh)) return undefined;
  const challenge = { id: uuid(), expiresAt: new Date(Date.now() + CHALLENGE_LASTS).toISOString() };
  await sql`insert into rights_challenge (controller_id, id, request_id, expires_at)
    values (${controllerId}, ${challenge.id}, ${requestId}, ${challenge.expiresAt})`;
  return challenge;
}

/** When the last message sent for a request runs out; null if there is none. */
export async function lastChallengeEnds(
  { sql, controllerId }: ControllerTransaction,
  requestId: RightsRequestId,
): Promise<string | null> {
  const [row] = await sql<{ ends: string | null }[]>`
    select max(expires_at) as ends from rights_challenge where controller_id = ${controllerId} and request_id = ${requestId}`;
  return row?.ends == null ? null : new Date(row.ends).toISOString();
}

/*
 * Neither a code nor a link is stored: they follow from the challenge's random id and a key, so that the message can be made
 * again in a step, and nobody who reads the database can verify for anybody.
 */

/** Eight digits, to be typed. */
export function codeOf(keys: ControllerKeys, challengeId: string): string {
  const bytes = Buffer.from(keyedHash(keys.current("mac").key, "rights-code", challengeId));
  return String(Number(bytes.readBigUInt64BE() % 100_000_000n)).padStart(8, "0");
}

/** Opens the file that a person asked for. They see it once, where they verify; it is in no message, and stored nowhere. */
export function passphraseFor(keys: ControllerKeys, requestId: RightsRequestId): string {
  return passphraseOf(keyedHash(keys.current("mac").key, "rights-passphrase", requestId));
}

/** What a link holds: controller and record, 16 bytes each, and their keyed hash; base64url. */
export function linkToken(
  keys: ControllerKeys,
  what: "verify" | "download",
  controllerId: ControllerId,
  id: string,
): string {
  const ids = [controllerId, id].map((one) => Buffer.from(one.replaceAll("-", ""), "hex"));
  return Buffer.concat([...ids, macOf(keys, what, controllerId, id)]).toString("base64url");
}

/** Whose a link says it is, to be looked up and then proven by {@link provesLink}. */
export function readLink(
  token: string,
): { controllerId: ControllerId; id: string; mac: Uint8Array } | undefined {
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length !== 64 || bytes.toString("base64url") !== token) return undefined;
  const controllerId = ControllerId.safeParse(uuidOf(bytes.subarray(0, 16)));
  if (!controllerId.success) return undefined;
  return { controllerId: controllerId.data, id: uuidOf(bytes.subarray(16, 32)), mac: bytes.subarray(32) };
}

export function provesLink(
  keys: ControllerKeys,
  what: "verify" | "download",
  { controllerId, id, mac }: NonNullable<ReturnType<typeof readLink>>,
): boolean {
  return timingSafeEqual(mac, macOf(keys, what, controllerId, id));
}

const macOf = (keys: ControllerKeys, what: string, controllerId: string, id: string) =>
  Buffer.from(keyedHash(keys.current("mac").key, `rights-${what}`, controllerId, id));

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The challenge of a link, if it is still good; to be locked only where its request is already. Throws `rights/dead-link`. */
export async function challengeOfLink(
  { sql, controllerId }: ControllerTransaction,
  id: string,
  options: { lock?: boolean } = {},
): Promise<{ requestId: RightsRequestId; usedAt: string | null }> {
  const [row] = await sql<{ requestId: RightsRequestId; usedAt: string | null }[]>`
    select request_id as "requestId", used_at as "usedAt" from rights_challenge
    where controller_id = ${controllerId} and id = ${id} and expires_at > now() ${options.lock === true ? sql`for update` : sql``}`;
  if (row === undefined) throw rightsErrors.deadLink();
  return row;
}

export async function useChallenge({ sql, controllerId }: ControllerTransaction, id: string): Promise<void> {
  await sql`update rights_challenge set used_at = now() where controller_id = ${controllerId} and id = ${id} and used_at is null`;
}

/**
 * Compares a typed code with those that were sent for the request. A wrong one is counted against all of them, in the
 * caller's transaction, which has to commit: so it is answered, not thrown.
 */
export async function tryCode(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  requestId: RightsRequestId,
  code: string,
): Promise<"right" | "wrong" | "spent"> {
  const open = await sql<{ id: string; attempts: number }[]>`
    select id, attempts from rights_challenge where controller_id = ${controllerId} and request_id = ${requestId}
      and expires_at > now() and used_at is null for update`;
  const left = open.filter(({ attempts }) => attempts < CODE_ATTEMPTS);
  if (left.length === 0) return open.length === 0 ? "wrong" : "spent";
  const given = Buffer.from(code.replaceAll(/[\s-]/g, ""));
  const right = left.find(({ id }) => {
    const expected = Buffer.from(codeOf(keys, id));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (right !== undefined) {
    await useChallenge({ sql, controllerId } as ControllerTransaction, right.id);
    return "right";
  }
  await sql`update rights_challenge set attempts = attempts + 1 where controller_id = ${controllerId} and id = any(${left.map(({ id }) => id)}::uuid[])`;
  return "wrong";
}
