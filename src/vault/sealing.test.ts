import { createSecretKey, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ControllerId, HUB } from "#schemas";
import { fingerprint, open, rewrap, seal, type WrappingKey, wrappingVersion } from "./sealing.ts";

const key = (version: number): WrappingKey => ({ version, key: createSecretKey(randomBytes(32)) });
const context = { purpose: "delivery", controllerId: HUB, recordId: "r1" };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

describe("a sealed value", () => {
  test("opens to what was sealed, whatever it was", () => {
    const wrapping = key(1);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        expect(open(() => wrapping, context, seal(wrapping, context, bytes))).toEqual(Buffer.from(bytes));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test("is never the same twice, and holds nothing of its text", () => {
    const wrapping = key(1);
    const [a, b] = [
      seal(wrapping, context, Buffer.from("bob@example.com")),
      seal(wrapping, context, Buffer.from("bob@example.com")),
    ];
    expect(Buffer.from(a).equals(Buffer.from(b))).toBe(false);
    expect(text(a)).not.toContain("bob");
  });

  test("does not open with any bit changed", () => {
    const wrapping = key(1);
    const sealed = seal(wrapping, context, Buffer.from("secret"));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Uint8Array.from(sealed) as typeof sealed;
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // The wrapping version is not authenticated: it only names a key, and the wrong key does not open.
      const find = (version: number) => (version === 1 ? wrapping : key(version));
      expect(() => open(find, context, altered), `bit ${bit}`).toThrow("does not open");
    }
  });

  test.each([
    ["purpose", { ...context, purpose: "credentials" }],
    ["controller", { ...context, controllerId: "11111111-1111-4111-8111-111111111111" as ControllerId }],
    ["record", { ...context, recordId: "r2" }],
    ["a boundary moved between two parts", { ...context, purpose: "deliver", recordId: "yr1" }],
  ])("does not open for another %s", (_part, other) => {
    const wrapping = key(1);
    expect(() => open(() => wrapping, other, seal(wrapping, context, Buffer.from("secret")))).toThrow(
      "does not open",
    );
  });

  test("does not open with another key", () => {
    expect(() => open(() => key(1), context, seal(key(1), context, Buffer.from("secret")))).toThrow(
      "does not open",
    );
  });

  test("is wrapped anew without its payload being touched, and its fingerprint stays", () => {
    const [old, fresh] = [key(1), key(2)];
    const sealed = seal(old, context, Buffer.from("secret"));
    const rotated = rewrap(() => old, fresh, context, sealed);
    expect(wrappingVersion(rotated)).toBe(2);
    expect(text(open(() => fresh, context, rotated))).toBe("secret");
    expect(() => open(() => old, context, rotated)).toThrow("does not open");
    expect(fingerprint(rotated)).toEqual(fingerprint(sealed));
    expect(Buffer.from(rotated.subarray(66)).equals(Buffer.from(sealed.subarray(66)))).toBe(true);
  });

  test("has the documented layout", () => {
    const sealed = seal(key(7), context, Buffer.from("abc"));
    expect([sealed[0], sealed[1]]).toEqual([1, 1]);
    expect(wrappingVersion(sealed)).toBe(7);
    expect(sealed.length).toBe(1 + 1 + 4 + 12 + 48 + 32 + 12 + 3 + 16);
  });

  test("that is too short, or of another version, is refused", () => {
    expect(() => wrappingVersion(Buffer.alloc(20) as never)).toThrow("does not open");
    expect(() => wrappingVersion(Buffer.alloc(200, 9) as never)).toThrow("does not open");
  });
});
