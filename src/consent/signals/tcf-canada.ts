import { firstBits } from "./base64url.ts";
import { coreOf, type TransparencyAndConsent } from "./tcf.ts";

/** Loaded when it is needed first, which takes 80 ms: it brings all of its browser's part along. */
export type GppLibrary = typeof import("@iabgpp/cmpapi");

/** As with the EU's (`decodeTcf`): bits before the lists of vendors, and the fewest characters of a core segment. */
const [HEAD, SHORTEST] = [199, 41];

/**
 * Canada's TCF numbers its purposes as the EU's does, and knows two kinds of consent, of which one is that nobody objected.
 * Its version is 1 by the specification and the libraries, and 2 in its examples and older strings, of the same layout:
 * https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform/issues/134
 */
export function decodeCanada({ TcfCaV1 }: GppLibrary, text: string): TransparencyAndConsent {
  const core = coreOf(text, "BC", SHORTEST);
  const section = new TcfCaV1(firstBits(core, HEAD, SHORTEST));
  const [express, implied, lastUpdated]: unknown[] = [
    section.getFieldValue("PurposesExpressConsent"),
    section.getFieldValue("PurposesImpliedConsent"),
    section.getFieldValue("LastUpdated"),
  ];
  if (!Array.isArray(express) || !Array.isArray(implied) || !(lastUpdated instanceof Date))
    throw new RangeError("not decoded");
  return {
    consented: (purpose) => express[purpose - 1] === true,
    implied: (purpose) => implied[purpose - 1] === true,
    lastUpdated,
  };
}
