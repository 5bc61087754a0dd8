import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LetheError } from "#schemas";
import { STRINGS } from "../../../test/support/consent-strings.ts";
import { readSignals } from "./read.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const base64url = (bits: string) =>
  (bits.padEnd(Math.ceil(bits.length / 6) * 6, "0").match(/.{6}/g) ?? [])
    .map((six) => ALPHABET.charAt(Number.parseInt(six, 2)))
    .join("");
const int = (value: number, bits: number) => value.toString(2).padStart(bits, "0");

type Signal = "tcf" | "gpp";
const { tcf1, ...whole } = STRINGS;
const REAL: readonly (readonly [Signal, string])[] = Object.values(whole).map((text) => [
  text.startsWith("C") ? "tcf" : "gpp",
  text,
]);

/** What is said, or `unreadable`; anything else that happens fails the test. */
async function outcome(signal: Signal, text: string): Promise<string> {
  try {
    const { choices } = await readSignals({ gpc: undefined, [signal]: text });
    return choices.map(({ purpose, state, jurisdiction }) => `${purpose} ${state} ${jurisdiction}`).join();
  } catch (error) {
    if (!(error instanceof LetheError)) throw error;
    expect(error).toMatchObject({ code: "signals/unreadable", status: 400, retry: false });
    expect(error.cause).toBeUndefined();
    expect(error.message).toBe(
      `the ${signal} string cannot be read: pass it on whole, as the consent management platform gave it`,
    );
    return "unreadable";
  }
}

describe("a string that is none", () => {
  test.each<[Signal, string]>([
    ["tcf", ""],
    ["tcf", "."],
    ["tcf", "C"],
    ["tcf", STRINGS.all.replace(/^C/, "D")],
    ["tcf", STRINGS.all.replace(/^C/, "A")],
    ["tcf", STRINGS.all.replace(/^C/, "B")],
    ["tcf", tcf1],
    ["tcf", ` ${STRINGS.all}`],
    ["tcf", `${STRINGS.all}\n`],
    ["tcf", `${STRINGS.all}..`],
    ["tcf", STRINGS.usNational],
    ["tcf", "constructor"],
    ["gpp", ""],
    ["gpp", "~"],
    ["gpp", "DB"],
    ["gpp", "DBABLA"],
    ["gpp", "DBABLA~"],
    ["gpp", `${STRINGS.usNational}~${STRINGS.usNational}`],
    ["gpp", STRINGS.usNational.replace(/^DB/, "DC")],
    ["gpp", STRINGS.usNational.replace("~C", "~D")],
    ["gpp", STRINGS.usCalifornia.replace("~B", "~C")],
    ["gpp", STRINGS.all],
    ["gpp", STRINGS.canada.replace("~BPSG", "~DPSG")],
    ["gpp", "DBABLA~CVVV"],
    // Sale opted out: 3, which means nothing.
    ["gpp", `DBABLA~${base64url(`${int(2, 6)}${"01".repeat(6)}11${"01".repeat(28)}`)}`],
    // Indiana's section with the header of the draft: section 25, version 1.
    ["gpp", "DBABUYA~ZBVVV"],
  ])("of %s is refused: %j", async (signal, text) => {
    expect(await outcome(signal, text)).toBe("unreadable");
  });

  test.each<[Signal, string]>([
    ["tcf", STRINGS.all],
    ["gpp", STRINGS.usNational],
  ])("of %s is longer than 16 KiB", async (signal, text) => {
    const long = (characters: number) => `${text}.`.padEnd(characters, "A");
    expect(await outcome(signal, long(16_384))).toBe(await outcome(signal, text));
    for (const characters of [16_385, 5_000_000])
      expect(await outcome(signal, long(characters))).toBe("unreadable");
  });
});

describe("a string that would keep the libraries busy for minutes, or for ever,", () => {
  const head = Array.from(STRINGS.none.slice(0, 36), (character) => int(ALPHABET.indexOf(character), 6)).join(
    "",
  );
  const core = (rest: string) => base64url(head.slice(0, 213) + rest);
  const noVendors = "0".repeat(17);
  const everybody = `1${int(1, 16)}${int(65_535, 16)}`;

  test.each<[string, Signal, string]>([
    [
      "names all vendors 2,500 times",
      "tcf",
      core(`${int(65_535, 16)}1${int(2_500, 12)}${everybody.repeat(2_500)}`),
    ],
    [
      "restricts all vendors",
      "tcf",
      core(`${noVendors}${noVendors}${int(1, 12)}${int(2, 6)}00${int(1, 12)}${everybody}`),
    ],
    [
      "discloses all vendors 2,000 times",
      "tcf",
      `${STRINGS.none.split(".")[0]}.${base64url(`001${int(65_535, 16)}1${int(2_000, 12)}${everybody.repeat(2_000)}`)}`,
    ],
    [
      "has them in GPP",
      "gpp",
      `DBABMA~${core(`${int(65_535, 16)}1${int(2_500, 12)}${everybody.repeat(2_500)}`)}`,
    ],
    [
      "names a trillion Canadian vendors",
      "gpp",
      `DBABDA~${base64url(`${int(1, 6)}${"0".repeat(193)}${int(1, 16)}1${int(1, 12)}111${"0".repeat(58)}11${"0".repeat(80)}`)}`,
    ],
  ])("%s, and is read at once: its purposes stand before that", async (_, signal, text) => {
    expect(text.length).toBeLessThan(16_384);
    const started = performance.now();
    expect(await outcome(signal, text)).toMatch(/^analytics denied (EU|CA),profiling denied (EU|CA)$/);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test.each([
    ["a trillion sections", `${int(1, 12)}111${"0".repeat(58)}11`],
    ["more sections than there are numbers", `${int(1, 12)}111${"0".repeat(60_000)}11`],
    ["4,095 times a thousand sections", int(4_095, 12) + `111${"0".repeat(14)}11`.repeat(4_095)],
    ["a number that does not end", `${int(1, 12)}1${"0".repeat(90_000)}`],
    ["no numbers at all", int(4_095, 12)],
  ])("names %s in its header, and is refused at once", async (_, bits) => {
    const started = performance.now();
    expect(await outcome("gpp", `DB${base64url(bits)}~1YYN`)).toBe("unreadable");
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

const real = fc.constantFrom(...REAL);

describe("whatever happened to a real string on its way,", () => {
  test("where it was cut it says what the whole says, or nothing", async () => {
    await fc.assert(
      fc.asyncProperty(real, fc.nat(), async ([signal, text], seed) => {
        const cut = await outcome(signal, text.slice(0, seed % text.length));
        expect(["unreadable", await outcome(signal, text)]).toContain(cut);
      }),
      { seed: 7, numRuns: 1_000 },
    );
  });

  test("with characters changed, added and taken out it is read or refused", async () => {
    const edit = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...ALPHABET, ".", "~", "=", "é", "\u0000"));
    await fc.assert(
      fc.asyncProperty(
        real,
        fc.array(edit, { minLength: 1, maxLength: 8 }),
        async ([signal, text], edits) => {
          const changed = edits.reduce((before, [seed, taken, put]) => {
            const at = seed % (before.length + 1);
            return before.slice(0, at) + put + before.slice(at + taken);
          }, text);
          await outcome(signal, changed);
          await outcome(signal === "tcf" ? "gpp" : "tcf", changed);
        },
      ),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test("nonsense of any kind is read or refused", async () => {
    const nonsense = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom(...ALPHABET, ".", "~"), maxLength: 16_384 }),
      fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 3_000 }).map((text) => `C${text}`),
      fc
        .array(fc.string({ unit: fc.constantFrom(...ALPHABET, "."), maxLength: 200 }), { maxLength: 27 })
        .map((sections) => ["DBACOcGA", ...sections].join("~")),
    );
    await fc.assert(
      fc.asyncProperty(nonsense, async (text) => {
        await outcome("tcf", text);
        await outcome("gpp", text);
      }),
      { seed: 7, numRuns: 1_000 },
    );
  });
});

test("the libraries work without a browser, say nothing, and leave nothing behind", async () => {
  const script = `
    await import("zod");
    const before = Object.getOwnPropertyNames(globalThis);
    const { readSignals } = await import(${JSON.stringify(new URL("./read.ts", import.meta.url).href)});
    await readSignals({ gpc: "1", tcf: ${JSON.stringify(STRINGS.all)}, gpp: ${JSON.stringify(STRINGS.everySection)} });
    for (const bad of ["tcf", "gpp"]) await readSignals({ [bad]: "DBABLA~C" }).catch(() => {});
    process.stdout.write(JSON.stringify(Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name))));`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    script,
  ]);
  expect({ stdout, stderr }).toEqual({ stdout: "[]", stderr: "" });
});
