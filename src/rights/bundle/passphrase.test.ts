import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalPassphrase, passphraseOf, samePassphrase } from "./passphrase.ts";

const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("a passphrase", () => {
  test("is 125 bits of what was random, in groups that can be read out", () => {
    expect(passphraseOf(new Uint8Array(16))).toBe("00000-00000-00000-00000-00000");
    expect(passphraseOf(new Uint8Array(16).fill(255))).toBe("ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ");
    fc.assert(
      fc.property(bytes, (random) => {
        expect(passphraseOf(random)).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
      }),
    );
  });

  test("depends on each of its bits", () => {
    for (let bit = 0; bit < 125; bit += 1) {
      const random = new Uint8Array(16);
      random[bit >> 3] = 0x80 >> (bit & 7);
      const text = passphraseOf(random).replaceAll("-", "");
      expect(text.replaceAll("0", "")).toHaveLength(1);
      expect(text[Math.floor(bit / 5)]).not.toBe("0");
    }
  });

  test("is not made of less", () => {
    expect(() => passphraseOf(new Uint8Array(15))).toThrow(RangeError);
  });

  test("is known however it is typed", () => {
    fc.assert(
      fc.property(bytes, (random) => {
        const passphrase = passphraseOf(random);
        const typed = ` ${passphrase.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l")}\n`;
        expect(normalPassphrase(typed)).toBe(passphrase);
        expect(samePassphrase(typed, passphrase)).toBe(true);
      }),
    );
    expect(samePassphrase("00000-00000-00000-00000-0000I", "00000-00000-00000-00000-00001")).toBe(true);
  });

  test("is told from any other, and from what is none", () => {
    const passphrase = passphraseOf(new Uint8Array(16));
    expect(samePassphrase("00000-00000-00000-00000-00001", passphrase)).toBe(false);
    for (const none of [
      "",
      "00000",
      `${passphrase}-0`,
      "U0000-00000-00000-00000-00000",
      "00000_00000-00000-00000-00000",
    ]) {
      expect(normalPassphrase(none)).toBeUndefined();
      expect(samePassphrase(none, passphrase)).toBe(false);
      expect(samePassphrase(none, none)).toBe(false);
    }
  });
});
