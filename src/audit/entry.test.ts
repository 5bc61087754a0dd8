import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AuditEntry } from "#schemas";
import { writeEntry } from "./entry.ts";

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const uuid = fc.uuid({ version: 4 });
/** Controls, quotes, letters beyond ASCII: what an entry never has must not matter either. */
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const entries = fc.record({
  v: fc.constant(1 as const),
  ...{ controller: uuid, event: uuid, workflow: uuid },
  ...{ type: text, entity: text, actor: text, time: text },
  position: fc.nat(),
  previous: fc.option(hex),
  subject: fc.option(hex),
  body: fc.option(fc.record({ hash: hex, commitment: hex })),
  facts: fc.dictionary(
    fc.stringMatching(/^[A-Za-z_][\w/ é-]{0,12}$/),
    fc.oneof(text, fc.maxSafeInteger(), fc.boolean()),
  ),
});

test("an entry is written as the author of RFC 8785 writes it", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      expect(writeEntry(entry as unknown as AuditEntry)).toBe(canonicalize(entry));
    }),
    { numRuns: 200 },
  );
});

test("no line break stands in it as it is: entries travel to the database one a line", () => {
  const [entry] = fc.sample(entries, { numRuns: 1, seed: 1 });
  expect(writeEntry({ ...entry, entity: "a\nb\u2028c" } as unknown as AuditEntry)).not.toContain("\n");
});

test("its fields are those of the schema", () => {
  const [entry] = fc.sample(entries, { numRuns: 1, seed: 1 });
  const written = Object.keys(JSON.parse(writeEntry(entry as unknown as AuditEntry)));
  expect(written).toEqual(Object.keys(AuditEntry.shape).sort());
});
