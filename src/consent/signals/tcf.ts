import type { ConsentPurpose } from "#schemas";
import { firstBits } from "./base64url.ts";
import { hashed, type SignalChoice } from "./choice.ts";
import { signalErrors } from "./errors.ts";

/**
 * Which purposes of the TCF are one of ours. Granted only if each of them is, because one word of ours stands for all:
 * whoever may profile may do any of 3 to 6. What they are is IAB Europe's text, in the Global Vendor List
 * (https://vendor-list.consensu.org/v3/vendor-list.json) and in Appendix A of the TCF Policies.
 *
 * | TCF | ours | because |
 * |---|---|---|
 * | 3 Create profiles for personalised advertising | `profiling` | "used to build or improve a profile about you" |
 * | 4 Use profiles to select personalised advertising | `profiling` | decides by that profile |
 * | 5 Create profiles to personalise content | `profiling` | as 3 |
 * | 6 Use profiles to select personalised content | `profiling` | as 4 |
 * | 7 Measure advertising performance | `analytics` | "to determine how well an advert has worked for you or other users" |
 * | 8 Measure content performance | `analytics` | "whether you read an article, … how long you spent on this service" |
 * | 9 Understand audiences through statistics | `analytics` | reports from "statistics, market research, analytics data" |
 * | 10 Develop and improve services | `analytics` | from how they are used; "does not include the development or improvement of user profiles" |
 * | 1 Store and/or access information on a device | – | a means to "most purposes", and consent for ePrivacy, not for what is done then |
 * | 2, 11 Use limited data to select advertising, content | – | by the page or the hour; neither measures nor profiles |
 *
 * Nothing in the TCF is marketing by e-mail or telephone, or the sale of data as US law has it.
 */
const PURPOSES: readonly { purpose: ConsentPurpose; numbers: readonly number[] }[] = [
  { purpose: "analytics", numbers: [7, 8, 9, 10] },
  { purpose: "profiling", numbers: [3, 4, 5, 6] },
];

/** Loaded when it is needed first. */
export type TcfLibrary = typeof import("@iabtcf/core");

/** What a TC string says, of the EU's framework or of Canada's. */
export interface TransparencyAndConsent {
  readonly consented: (purpose: number) => boolean;
  /** Canada's implied consent: nobody said yes, and nobody said no. */
  readonly implied?: (purpose: number) => boolean;
  readonly lastUpdated: Date;
}

/** A TC string of TCF 2 (2.0 to 2.3): one choice for each of our purposes that it speaks of. Legitimate interest is no consent. */
export async function readTcf(text: string): Promise<SignalChoice[]> {
  const library = await import("@iabtcf/core");
  const origin = { method: "tcf_string", jurisdiction: "EU", evidence: hashed("tcf", text) } as const;
  try {
    return choicesOf(decodeTcf(library, text), origin);
  } catch {
    throw signalErrors.unreadable("tcf");
  }
}

export function choicesOf(
  { consented, implied = () => false, lastUpdated }: TransparencyAndConsent,
  origin: Pick<SignalChoice, "method" | "jurisdiction" | "evidence">,
): SignalChoice[] {
  const when = { occurredAt: lastUpdated.toISOString(), ...precisionOf(lastUpdated) };
  return PURPOSES.flatMap(({ purpose, numbers }): SignalChoice[] => {
    if (numbers.every(consented)) return [{ purpose, state: "granted", ...origin, ...when }];
    if (numbers.every((number) => consented(number) || implied(number))) return [];
    return [{ purpose, state: "denied", ...origin, ...when }];
  });
}

/** Bits of a core segment before its lists of vendors, and the fewest characters of one with three empty lists. */
const [HEAD, SHORTEST] = [213, 44];

/**
 * Decodes what comes before the lists of vendors, which are of no use here: the library counts their ranges out one by one,
 * so that a string of 16 KiB can keep it busy for minutes. Their places are left empty.
 * https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20Consent%20string%20and%20vendor%20list%20formats%20v2.md
 */
export function decodeTcf({ TCString }: TcfLibrary, text: string): TransparencyAndConsent {
  const core = coreOf(text, "C", SHORTEST);
  const { purposeConsents, lastUpdated } = TCString.decode(firstBits(core, HEAD, SHORTEST));
  return { consented: (purpose) => purposeConsents.has(purpose), lastUpdated };
}

/** The first segment of a string that is made of base64url and begins with one of the versions: `B` is 1, `C` is 2. */
export function coreOf(text: string, versions: string, shortest: number): string {
  const [, core = ""] = /^([\w-]+)(?:\.[\w-]+)*$/.exec(text) ?? [];
  if (!versions.includes(core.charAt(0)) || core.length < shortest) throw new RangeError("not such a string");
  return core;
}

/** A midnight, of UTC or (as some platforms write it) of where they are: time zones differ by quarters of an hour. */
function precisionOf(time: Date): Pick<SignalChoice, "precision"> {
  return time.getTime() % 900_000 === 0 ? { precision: "day" } : {};
}
