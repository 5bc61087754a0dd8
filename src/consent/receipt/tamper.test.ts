import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONTROLLER, DOCUMENT, FACTS, SUBJECT, signed } from "../../../test/support/receipts.ts";
import { verifyReceipt } from "./verify.ts";

const receipt = signed();
const fault = (of: unknown) => {
  const result = verifyReceipt(of, DOCUMENT);
  return result.ok ? "none" : result.fault;
};

type Path = readonly (string | number)[];

/** Where in a value every other value stands. */
function paths(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, of]) => paths(of, [...at, key]))];
}

/** A copy in which what stands there is another, or is gone. */
function changed(value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const entries = Object.entries(value as object).flatMap(([name, of]) => {
    const to = name === String(key) ? changed(of, rest, change) : of;
    return to === undefined ? [] : [[name, to] as const];
  });
  return Array.isArray(value) ? entries.map(([, of]) => of) : Object.fromEntries(entries);
}

const everywhere = paths(receipt).filter(({ length }) => length > 0);

describe("whatever is changed in a receipt or in its proof is found:", () => {
  test(`each of ${everywhere.length} places, taken out, emptied, doubled or of another kind`, () => {
    for (const path of everywhere)
      for (const change of [
        () => undefined,
        () => null,
        () => "",
        () => 0,
        () => ({}),
        (old: unknown) => [old],
        (old: unknown) => (typeof old === "string" ? `${old} ` : [old, old]),
        (old: unknown) => (typeof old === "object" && !Array.isArray(old) ? { ...old, more: 1 } : `${old}x`),
      ]) {
        const other = changed(receipt, path, change);
        expect(verifyReceipt(other, DOCUMENT).ok, `${path.join("/")}: ${change}`).toBe(false);
      }
  });

  test("each character of each text, made another", () => {
    const texts = everywhere.flatMap((path) => {
      const text = path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], receipt);
      return typeof text === "string" ? [{ path, text }] : [];
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.string({ maxLength: 2 }),
        ({ path, text }, n, put) => {
          const at = n % text.length;
          const other = text.slice(0, at) + put + text.slice(at + 1);
          fc.pre(other !== text);
          expect(
            verifyReceipt(
              changed(receipt, path, () => other),
              DOCUMENT,
            ).ok,
          ).toBe(false);
        },
      ),
      { seed: 7, numRuns: 3_000 },
    );
  });

  test("each character of the signature", () => {
    const { proofValue } = receipt.proof;
    for (let at = 0; at < proofValue.length; at++)
      for (const put of ["1", "2", "z", "Z", "0", ""]) {
        if (put === proofValue[at]) continue;
        const other = proofValue.slice(0, at) + put + proofValue.slice(at + 1);
        expect(fault({ ...receipt, proof: { ...receipt.proof, proofValue: other } })).not.toBe("none");
      }
  });

  test("a name from JavaScript's own, and more than one proof", () => {
    const text = JSON.stringify(receipt);
    for (const more of ['"__proto__":{"a":1}', '"constructor":1', '"toJSON":1'])
      expect(fault(JSON.parse(`{${more},${text.slice(1)}`)), more).toBe("receipt/altered");
    expect(fault({ ...receipt, proof: [receipt.proof, receipt.proof] })).toBe("receipt/malformed");
    const other = { ...receipt, "dct:audience": CONTROLLER };
    expect(fault({ ...other, toJSON: () => ({ ...other, toJSON: () => receipt }) })).toBe("receipt/altered");
    expect(verifyReceipt({ ...other, toJSON: () => receipt }, DOCUMENT)).toMatchObject({ ok: true, receipt });
  });

  test("that it is no receipt", () => {
    const { proof: _, ...unsigned } = receipt;
    for (const none of [undefined, null, {}, [], "receipt", 1, unsigned, DOCUMENT])
      expect(fault(none)).toBe("receipt/malformed");
  });
});

describe("a receipt stays good", () => {
  /** The same value, with the names of each object in another order. */
  const shuffled = (value: unknown, noise: () => number): unknown => {
    if (Array.isArray(value)) return value.map((of) => shuffled(of, noise));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, of]) => ({ key, of, order: noise() }));
    return Object.fromEntries(
      entries.sort((a, b) => a.order - b.order).map(({ key, of }) => [key, shuffled(of, noise)]),
    );
  };

  test("in whatever order its names stand, and however its JSON is written", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.nat(8), (noise, indent) => {
        const other = shuffled(receipt, () => noise.next().value ?? 0);
        const text = JSON.stringify(other, null, indent);
        const escaped = text.replace(/[A-Za-z]/g, (letter) =>
          (noise.next().value ?? 0) % 2 === 0
            ? letter
            : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
        );
        for (const written of [text, escaped]) expect(fault(JSON.parse(written))).toBe("none");
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  test("with any name of a controller, and any title of its purpose", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (name, title) => {
        fc.pre(name.isWellFormed());
        const facts = {
          ...FACTS,
          controller: { did: CONTROLLER, name },
          record: { ...FACTS.record, purpose: "product_news", title },
        };
        expect(fault(JSON.parse(JSON.stringify(signed(facts))))).toBe("none");
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

test("a receipt knows the person by their DID only", () => {
  const text = JSON.stringify(receipt);
  expect(text).toContain(SUBJECT);
  expect(text).not.toMatch(/@[a-z0-9.-]+\.[a-z]{2,}"/);
});
