import type { Expected, Forge, Forgery } from "./forgery.ts";
import { type Genuine, withHeader } from "./genuine.ts";

const DAY = 86_400_000;

/**
 * Correctly signed, at another time: a recorded request that is sent again, or a clock that is off. What is no time at all is
 * signed as such, too, as a platform with the secret could.
 */
export const wrongTimes: Forge = (from, chance) => {
  const { tolerance } = from.door.signature;
  if (tolerance === undefined) return [];
  const limit = tolerance * 1_000;
  const at = (what: string, expected: Expected, offset: number): Forgery => ({
    kind: `time: ${what}`,
    expected,
    wire: from.again({ now: Date.now() + offset }),
  });
  const spare = 30_000;
  // A round is signed at its start and may take a minute to send; the very second is the conformance suite's.
  return [
    at("within, old", "repeated", -limit / 2),
    at("within, ahead", "repeated", limit / 2),
    at("too old", "refused", -limit - spare - chance() * limit),
    at("two days old", "refused", -2 * DAY),
    at("years old", "refused", -365 * DAY * (1 + Math.floor(chance() * 20))),
    at("in the future", "refused", limit + spare + chance() * limit),
    at("two days ahead", "refused", 2 * DAY),
    at("a century ahead", "refused", 36_525 * DAY),
    ...[Number.NaN, Number.POSITIVE_INFINITY, 0, -1_000, 1e30].map(
      (now): Forgery => ({ kind: `time: ${now} as a time`, expected: "refused", wire: from.again({ now }) }),
    ),
    ...disguised(from),
  ];
};

/** The very time that was signed, written as that time is not written: what was signed is the text. */
function disguised({ wire, proofs }: Genuine): Forgery[] {
  const [signature, time] = proofs;
  const header = time ?? signature;
  if (header === undefined) return [];
  const write = (change: (seconds: string) => string) =>
    header.value.replace(
      /(^|t=)(\d{10})(?=$|,)/,
      (_, before: string, seconds: string) => before + change(seconds),
    );
  const forms: [string, (seconds: string) => string][] = [
    ["with a plus", (t) => `+${t}`],
    ["with a zero before it", (t) => `0${t}`],
    ["with a fraction", (t) => `${t}.0`],
    ["with an exponent", (t) => `${t}e0`],
    ["in hex", (t) => `0x${Number(t).toString(16)}`],
    ["in milliseconds", (t) => `${t}000`],
    ["negative", (t) => `-${t}`],
    ["with a space", (t) => `${t.slice(0, 5)} ${t.slice(5)}`],
    ["in Arabic digits", (t) => [...t].map((d) => String.fromCodePoint(0x660 + Number(d))).join("")],
    ["of a hundred digits", (t) => t.repeat(10)],
    ["a second later", (t) => String(Number(t) + 1)],
    ["not a number", () => "soon"],
  ];
  return forms.flatMap(([what, change]) => {
    const value = write(change);
    return value === header.value
      ? []
      : [{ kind: `time: ${what}`, expected: "refused", wire: withHeader(wire, header.name, value) } as const];
  });
}
