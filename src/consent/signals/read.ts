import type { SignalChoice } from "./choice.ts";
import { signalErrors } from "./errors.ts";
import { readGpc } from "./gpc.ts";
import { readGpp } from "./gpp.ts";
import { readTcf } from "./tcf.ts";

/** What a browser sends along, and what a consent management platform on the page said. */
export interface Signals {
  /** Value of the request's `Sec-GPC` header. */
  readonly gpc: string | undefined;
  /** TC string of the Transparency & Consent Framework. */
  readonly tcf?: string | undefined;
  /** String of the Global Privacy Platform. */
  readonly gpp?: string | undefined;
}

/** Characters. Strings with all of the vendors have one or two thousand. */
const LONGEST = 16_384;

/**
 * The choices that the signals express, each with what it rests on. Where two contradict each other about a purpose the
 * opt-out counts, and the other is left out.
 *
 * @throws signals/unreadable for a string that is none, is longer than 16 KiB, or has a version that is not known
 */
export async function readSignals({ gpc, tcf, gpp }: Signals): Promise<{ choices: SignalChoice[] }> {
  if (tcf !== undefined && tcf.length > LONGEST) throw signalErrors.unreadable("tcf");
  if (gpp !== undefined && gpp.length > LONGEST) throw signalErrors.unreadable("gpp");
  const said = [
    ...readGpc(gpc),
    ...(tcf === undefined ? [] : await readTcf(tcf)),
    ...(gpp === undefined ? [] : await readGpp(gpp)),
  ];
  const refused = new Set(said.flatMap(({ state, purpose }) => (state === "granted" ? [] : [purpose])));
  return { choices: said.filter(({ state, purpose }) => state !== "granted" || !refused.has(purpose)) };
}
