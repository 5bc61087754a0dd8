import type { GppModel } from "@iabgpp/cmpapi";
import { hashed, type SignalChoice } from "./choice.ts";
import { signalErrors } from "./errors.ts";
import { namesSections } from "./gpp-header.ts";
import { choicesOf, decodeTcf, type TcfLibrary } from "./tcf.ts";
import { decodeCanada, type GppLibrary } from "./tcf-canada.ts";

type Libraries = { readonly gpp: GppLibrary; readonly tcf: TcfLibrary };
type Origin = Pick<SignalChoice, "method" | "evidence">;

/**
 * A string of IAB's Global Privacy Platform: opt-outs of its US sections, and what its TCF sections say of consent. Sections
 * of a kind that the library does not know are passed over, as the platform intends.
 * https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform
 */
export async function readGpp(text: string): Promise<SignalChoice[]> {
  const [gpp, tcf] = await Promise.all([import("@iabgpp/cmpapi"), import("@iabtcf/core")]);
  const origin = { method: "gpp_string", evidence: hashed("gpp", text) } as const;
  try {
    const [header = "", ...sections] = text.split("~");
    if (!namesSections(header, sections.length)) throw new RangeError("not such a header");
    const model = new gpp.GppModel(text);
    return gpp.Sections.SECTION_ORDER.filter((name) => model.hasSection(name)).flatMap((name) =>
      readSection({ gpp, tcf }, model, name, origin),
    );
  } catch {
    throw signalErrors.unreadable("gpp");
  }
}

function readSection({ gpp, tcf }: Libraries, model: GppModel, name: string, origin: Origin): SignalChoice[] {
  if (name === "tcfeuv2")
    return choicesOf(decodeTcf(tcf, model.encodeSection(name)), { ...origin, jurisdiction: "EU" });
  if (name === "tcfcav1")
    return choicesOf(decodeCanada(gpp, model.encodeSection(name)), { ...origin, jurisdiction: "CA" });
  const optedOut = name === "uspv1" ? optedOutByPrivacyString(model) : optedOutBySection(model, name);
  if (!optedOut) return [];
  return [{ purpose: "sale_or_sharing", state: "withdrawn", jurisdiction: jurisdictionOf(name), ...origin }];
}

/** 0 is not applicable, 1 opted out, 2 did not opt out (which is no choice). Sharing is California's, targeted advertising all the others'. */
const OPT_OUTS = ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"];

/** Opted out in the section itself, or by a Global Privacy Control that its page had seen. */
function optedOutBySection(model: GppModel, name: string): boolean {
  const field = (key: string): unknown =>
    model.hasField(name, key) ? model.getFieldValue(name, key) : undefined;
  if (!knownVersion(name, field)) throw new RangeError("another version");
  const values = OPT_OUTS.map(field).filter((value) => value !== undefined);
  if (!values.every((value) => value === 0 || value === 1 || value === 2)) throw new RangeError("no value");
  return values.includes(1) || (field("GpcSegmentType") === 1 && field("Gpc") === true);
}

/**
 * The library reads any version as the one that it knows. The sections of 2025 (Maryland, Indiana, Kentucky, Rhode Island)
 * have none: their drafts put a header in front that begins with the section's number, from 24, where the library expects the
 * version of IAB's agreement.
 */
function knownVersion(name: string, field: (key: string) => unknown): boolean {
  const [version, agreement] = [field("Version"), field("MspaVersion")];
  if (version === undefined) return typeof agreement === "number" && agreement < 24;
  return version === 1 || (version === 2 && name === "usnat");
}

/** The US Privacy String before GPP, `1YYN`: version, notice given, opted out of sale, covered by IAB's agreement. */
function optedOutByPrivacyString(model: GppModel): boolean {
  if (model.getFieldValue("uspv1", "Version") !== 1) throw new RangeError("another version");
  const value: unknown = model.getFieldValue("uspv1", "OptOutSale");
  if (value !== "Y" && value !== "N" && value !== "-") throw new RangeError("no value");
  return value === "Y";
}

/** `usnat` is the whole country, `usca` California. Of the US Privacy String "Version 1 ONLY supports CCPA compliance". */
function jurisdictionOf(name: string): string {
  if (name === "usnat") return "US";
  return name === "uspv1" ? "US-CA" : `US-${name.slice(2).toUpperCase()}`;
}
