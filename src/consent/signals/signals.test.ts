import { createHash } from "node:crypto";
import { GppModel, Sections } from "@iabgpp/cmpapi";
import { Segment, SegmentEncoder, TCModel } from "@iabtcf/core";
import { describe, expect, test } from "vitest";
import { STRINGS } from "../../../test/support/consent-strings.ts";
import { readSignals, type Signals } from "./read.ts";

const read = async (signals: Omit<Signals, "gpc">) =>
  (await readSignals({ gpc: undefined, ...signals })).choices;
const said = async (signals: Omit<Signals, "gpc">) =>
  (await read(signals)).map(({ purpose, state, jurisdiction }) => [purpose, state, jurisdiction].join(" "));
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("Global Privacy Control", () => {
  test("is an opt-out of sale and sharing, wherever the person is", async () => {
    expect(await readSignals({ gpc: "1" })).toEqual({
      choices: [
        {
          purpose: "sale_or_sharing",
          state: "withdrawn",
          method: "global_privacy_control",
          jurisdiction: null,
          evidence: "Sec-GPC:1",
        },
      ],
    });
  });

  test.each([undefined, "", "0", "true", "1 ", " 1", "1, 1", "01", "１"])("is not %j", async (gpc) => {
    expect(await readSignals({ gpc })).toEqual({ choices: [] });
  });
});

describe("a TC string", () => {
  test("with consent to every purpose grants ours, on the day that it names, under the hash of the string", async () => {
    const common = {
      state: "granted",
      method: "tcf_string",
      jurisdiction: "EU",
      occurredAt: "2026-01-13T00:00:00.000Z",
      precision: "day",
      evidence: `tcf:sha256:${sha256(STRINGS.all)}`,
    };
    expect(await read({ tcf: STRINGS.all })).toEqual([
      { purpose: "analytics", ...common },
      { purpose: "profiling", ...common },
    ]);
  });

  test("of before December 2021 says the time to the tenth of a second", async () => {
    const [choice] = await read({ tcf: STRINGS.exact });
    expect(choice).toMatchObject({ occurredAt: "2020-08-18T09:50:09.600Z" });
    expect(choice).not.toHaveProperty("precision");
  });

  test("without consent denies ours", async () => {
    expect(await said({ tcf: STRINGS.none })).toEqual(["analytics denied EU", "profiling denied EU"]);
  });

  test("says what its first segment says, whatever segments follow", async () => {
    expect(await said({ tcf: STRINGS.all.split(".")[0] ?? "" })).toEqual(await said({ tcf: STRINGS.all }));
  });

  /** As the library encodes it, with a list of vendors that it makes up. */
  const tcf = (purposes: readonly number[], legitimateInterests: readonly number[] = []): string => {
    const model = new TCModel();
    model.cmpId = 31;
    model.cmpVersion = 1;
    model.purposeConsents.set([...purposes]);
    model.purposeLegitimateInterests.set([...legitimateInterests]);
    model.vendorConsents.set([1, 2, 3, 755, 1_200]);
    model.created = model.lastUpdated = new Date(Date.UTC(2026, 2, 1));
    return SegmentEncoder.encode(model, Segment.CORE);
  };

  test.each([
    ["analytics", [7, 8, 9, 10]],
    ["profiling", [3, 4, 5, 6]],
  ])("grants %s only with all of %j", async (purpose, needed) => {
    expect(await said({ tcf: tcf(needed) })).toContain(`${purpose} granted EU`);
    for (const left of needed)
      expect(await said({ tcf: tcf(needed.filter((number) => number !== left)) })).toContain(
        `${purpose} denied EU`,
      );
    const others = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].filter((number) => !needed.includes(number));
    expect(await said({ tcf: tcf(others) })).toContain(`${purpose} denied EU`);
  });

  test("in which purposes rest on legitimate interests is no consent", async () => {
    expect(await said({ tcf: tcf([1], [2, 7, 8, 9, 10, 11]) })).toContain("analytics denied EU");
  });
});

/** A GPP string of one section, as the library encodes it; undefined where it has no such field. */
function gpp(section: string, field: string, value: unknown): string | undefined {
  const model = new GppModel();
  try {
    model.setFieldValue(section, field, value);
  } catch {
    return undefined;
  }
  return model.encode();
}

const US = Sections.SECTION_ORDER.filter((name) => name.startsWith("us") && name !== "uspv1");

describe("a GPP string", () => {
  test("of the national section opts out of sale and sharing in the US, under the hash of the string", async () => {
    expect(await read({ gpp: STRINGS.usNational })).toEqual([
      {
        purpose: "sale_or_sharing",
        state: "withdrawn",
        method: "gpp_string",
        jurisdiction: "US",
        evidence: `gpp:sha256:${sha256(STRINGS.usNational)}`,
      },
    ]);
  });

  test("of a state opts out there", async () => {
    expect(await said({ gpp: STRINGS.usCalifornia })).toEqual(["sale_or_sharing withdrawn US-CA"]);
  });

  test.each(US)("of %s opts out by each of its fields, and by no other", async (name) => {
    const there = `sale_or_sharing withdrawn ${name === "usnat" ? "US" : `US-${name.slice(2).toUpperCase()}`}`;
    for (const field of ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"]) {
      const [optedOut, didNot, notApplicable] = [1, 2, 0].map((value) => gpp(name, field, value));
      if (optedOut === undefined) continue;
      expect(await said({ gpp: optedOut }), field).toEqual([there]);
      for (const nothing of [didNot, notApplicable]) expect(await read({ gpp: nothing }), field).toEqual([]);
    }
    expect(gpp(name, "SaleOptOut", 1)).toBeDefined();
    for (const field of ["SaleOptOutNotice", "MspaCoveredTransaction"])
      expect(await read({ gpp: gpp(name, field, 1) }), field).toEqual([]);
    const [seen, notSeen] = [true, false].map((value) => gpp(name, "Gpc", value));
    if (seen === undefined) return;
    expect(await said({ gpp: seen }), "Gpc").toEqual([there]);
    expect(await read({ gpp: notSeen }), "Gpc").toEqual([]);
  });

  test("with the US Privacy String opts out in California, for which alone its version 1 is", async () => {
    expect(await said({ gpp: "DBABTA~1YYN" })).toEqual(["sale_or_sharing withdrawn US-CA"]);
    for (const nothing of ["DBABTA~1YNN", "DBABTA~1---", "DBABTA~1NNN"])
      expect(await read({ gpp: nothing })).toEqual([]);
    for (const wrong of ["DBABTA~2YYN", "DBABTA~1YXN", "DBABTA~1Y"])
      await expect(read({ gpp: wrong })).rejects.toThrow("the gpp string cannot be read");
  });

  test("with version 1 of the national section is read as that", async () => {
    expect(await read({ gpp: STRINGS.usNational1 })).toEqual([]);
  });

  test("says of consent what its TCF sections say", async () => {
    const wrapped = new GppModel();
    wrapped.decodeSection("tcfeuv2", STRINGS.all);
    const choices = await read({ gpp: wrapped.encode() });
    expect(choices.map(({ purpose, state, method }) => [purpose, state, method])).toEqual([
      ["analytics", "granted", "gpp_string"],
      ["profiling", "granted", "gpp_string"],
    ]);
    expect(choices[0]).toMatchObject({ jurisdiction: "EU", occurredAt: "2026-01-13T00:00:00.000Z" });
  });

  test("of Canada grants by express consent only, and says nothing where it is implied", async () => {
    const canada = (express: number[], implied: number[]) => {
      const model = new GppModel();
      const bits = (set: number[]) => Array.from({ length: 24 }, (_, i) => set.includes(i + 1));
      model.setFieldValue("tcfcav1", "PurposesExpressConsent", bits(express));
      model.setFieldValue("tcfcav1", "PurposesImpliedConsent", bits(implied));
      model.setFieldValue("tcfcav1", "VendorExpressConsent", [12, 24, 48, 700]);
      return said({ gpp: model.encode() });
    };
    expect(await canada([3, 4, 5, 6, 7, 8, 9, 10], [])).toEqual([
      "analytics granted CA",
      "profiling granted CA",
    ]);
    expect(await canada([3, 4, 5, 6], [7, 8, 9, 10])).toEqual(["profiling granted CA"]);
    expect(await canada([3, 4, 5], [6])).toEqual(["analytics denied CA"]);
    // The library's own string: 3 to 6 are express, 7 to 10 implied. The EU's section beside it denies both, and counts.
    expect(await said({ gpp: STRINGS.canada })).toEqual(["analytics denied EU", "profiling denied EU"]);
  });

  test("of every section that there is tells the opt-outs of each", async () => {
    expect((await said({ gpp: STRINGS.everySection })).filter((choice) => choice.includes("US"))).toEqual([]);
    const model = new GppModel(STRINGS.everySection);
    for (const name of US) model.setFieldValue(name, "SaleOptOut", 1);
    model.setFieldValue("tcfeuv2", "IsServiceSpecific", true);
    const optedOut = (await said({ gpp: model.encode() })).filter((choice) => choice.includes("US"));
    expect(optedOut).toHaveLength(US.length);
    expect(new Set(optedOut).size).toBe(US.length);
  });

  test("without a section says nothing, and one of a section that is not known only of the others", async () => {
    expect(await read({ gpp: "DBAA" })).toEqual([]);
    // Sections 6 and 40: Int(12) 2, then 0 and 6 as 10011, 0 and 34 as 000000011.
    expect(await said({ gpp: `DB${base64url("000000000010 010011 0000000011")}~1YYN~XYZ` })).toEqual([
      "sale_or_sharing withdrawn US-CA",
    ]);
  });
});

function base64url(bits: string): string {
  const whole = bits.replaceAll(" ", "").padEnd(30, "0");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return (whole.match(/.{6}/g) ?? []).map((six) => alphabet.charAt(Number.parseInt(six, 2))).join("");
}

describe("signals together", () => {
  test("that agree are all told, with what each rests on", async () => {
    const { choices } = await readSignals({ gpc: "1", gpp: STRINGS.usCalifornia });
    expect(choices.map(({ purpose, evidence }) => `${purpose} ${evidence.split(":")[0]}`)).toEqual([
      "sale_or_sharing Sec-GPC",
      "sale_or_sharing gpp",
    ]);
  });

  test("that contradict each other about a purpose give the opt-out, whichever of them it is", async () => {
    const [yes, no] = [STRINGS.all, STRINGS.none];
    const inGpp = (tcf: string) => {
      const model = new GppModel();
      model.decodeSection("tcfeuv2", tcf);
      return model.encode();
    };
    for (const signals of [
      { tcf: yes, gpp: inGpp(no) },
      { tcf: no, gpp: inGpp(yes) },
    ])
      expect(await said(signals)).toEqual(["analytics denied EU", "profiling denied EU"]);
  });

  test("leave what only one of them speaks of as it is", async () => {
    expect(await said({ tcf: STRINGS.all, gpp: STRINGS.usCalifornia })).toEqual([
      "analytics granted EU",
      "profiling granted EU",
      "sale_or_sharing withdrawn US-CA",
    ]);
  });

  test("have evidence that can stand in the ledger: short, without blanks, and never a string itself", async () => {
    const { choices } = await readSignals({ gpc: "1", tcf: STRINGS.all, gpp: STRINGS.everySection });
    expect(choices.length).toBeGreaterThan(4);
    for (const { evidence } of choices)
      expect(evidence).toMatch(/^(Sec-GPC:1|(tcf|gpp):sha256:[0-9a-f]{64})$/);
  });
});
