import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import { type ControllerId, HUB } from "#schemas";
import { open, seal } from "#vault";
import { besideEach, figure } from "../figures.ts";
import type { Part } from "../part.ts";

const SIZES = [2_048, 4_096];
/** Values of a round: enough that one is over in no time, and none too many for the processor's cache. */
const BATCH = 500;

export const sealing: Part = {
  name: "sealing",
  about: "the vault's sealing and opening, beside raw AES-256-GCM of the same bytes",
  async run({ seconds, rounds, say }) {
    const figures = [];
    for (const size of SIZES) {
      say(`sealing ${size / 1_024} KB`);
      // Rounds are short and take turns, so that whatever else the machine does meets all alike.
      const taken = measure(size, Math.max(rounds * 5, 5), (seconds * 1_000) / 50);
      const rate = (what: "seal" | "open" | "rawSeal" | "rawOpen") => taken.map((round) => round[what]);
      const kind = `${size / 1_024} KB`;
      figures.push(
        figure(`raw AES-256-GCM of ${kind}`, rate("rawSeal"), "/s", "neither"),
        figure(
          `sealed, ${kind}`,
          rate("seal"),
          "/s",
          "more",
          besideEach("raw", rate("seal"), rate("rawSeal")),
        ),
        figure(
          `opened, ${kind}`,
          rate("open"),
          "/s",
          "more",
          besideEach("raw", rate("open"), rate("rawOpen")),
        ),
      );
    }
    return figures;
  },
};

function measure(size: number, rounds: number, milliseconds: number) {
  const key = createSecretKey(randomBytes(32));
  const wrapping = { version: 1, key };
  const context = { purpose: "delivery", controllerId: HUB as ControllerId, recordId: crypto.randomUUID() };
  const texts = Array.from({ length: BATCH }, () => randomBytes(size));
  const sealed = texts.map((text) => seal(wrapping, context, text));
  const raw = texts.map(rawSeal);
  const work = {
    seal: () => texts.forEach((text) => void seal(wrapping, context, text)),
    rawSeal: () => texts.forEach((text) => void rawSeal(text)),
    open: () => sealed.forEach((one) => void open(() => wrapping, context, one)),
    rawOpen: () => raw.forEach((one) => void rawOpen(one)),
  };
  const round = () => ({
    seal: rateOf(work.seal, milliseconds),
    rawSeal: rateOf(work.rawSeal, milliseconds),
    open: rateOf(work.open, milliseconds),
    rawOpen: rateOf(work.rawOpen, milliseconds),
  });
  round(); // until it is compiled
  return Array.from({ length: rounds }, round);

  /** One key for all, and nothing but what GCM needs: an IV for each. */
  function rawSeal(text: Uint8Array) {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    return { iv, text: Buffer.concat([cipher.update(text), cipher.final()]), tag: cipher.getAuthTag() };
  }

  function rawOpen({ iv, text, tag }: ReturnType<typeof rawSeal>): Uint8Array {
    const cipher = createDecipheriv("aes-256-gcm", key, iv).setAuthTag(tag);
    return Buffer.concat([cipher.update(text), cipher.final()]);
  }
}

function rateOf(batch: () => void, milliseconds: number): number {
  const began = performance.now();
  let done = 0;
  do {
    batch();
    done += BATCH;
  } while (performance.now() - began < milliseconds);
  return (done * 1_000) / (performance.now() - began);
}
