import { timingSafeEqual } from "node:crypto";
import { base32crockford } from "@scure/base";

/** Random bytes that a passphrase takes. */
export const PASSPHRASE_BYTES = 16;

/** Characters of five bits each: 125 bits. */
const LENGTH = 25;
const GROUP = 5;

/**
 * A passphrase of 125 bits from random bytes, as people write it down: `7ZK3M-…`, five groups of five in Crockford's base32
 * (https://www.crockford.com/base32.html), which has no letters that look like digits. Throws a `RangeError` for fewer than 16 bytes.
 */
export function passphraseOf(random: Uint8Array): string {
  if (random.length < PASSPHRASE_BYTES) throw new RangeError(`a passphrase takes ${PASSPHRASE_BYTES} bytes`);
  return grouped(base32crockford.encode(random.slice(0, PASSPHRASE_BYTES)).slice(0, LENGTH));
}

/** As it was given out, from whatever way somebody typed it: small letters, blanks, O for 0, I or l for 1. `undefined` if it is none. */
export function normalPassphrase(typed: string): string | undefined {
  const characters = typed.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  return /^[0-9A-HJKMNP-TV-Z]{25}$/.test(characters) ? grouped(characters) : undefined;
}

/** Whether somebody typed this passphrase. Takes the same time wherever they differ. */
export function samePassphrase(typed: string, passphrase: string): boolean {
  const given = normalPassphrase(typed);
  const expected = normalPassphrase(passphrase);
  return (
    given !== undefined &&
    expected !== undefined &&
    timingSafeEqual(Buffer.from(given, "latin1"), Buffer.from(expected, "latin1"))
  );
}

function grouped(characters: string): string {
  return (characters.match(new RegExp(`.{${GROUP}}`, "g")) ?? []).join("-");
}
