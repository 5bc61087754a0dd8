import { setTimeout } from "node:timers/promises";

export interface Patience {
  /** Milliseconds for which an answer is told again. */
  readonly keepFor: number;
  /** Milliseconds that whoever asks waits for one. */
  readonly waitFor: number;
}

/** An answer is kept for so many times as long as it took, so that asking takes no more than a twentieth of the time. */
const REST = 20;
/** What does not come in so many times the time that one waits for it is asked for anew. */
const GIVE_UP = 30;

/**
 * Asks once for all who want to know, and not again for a while, whoever scrapes and however often. Undefined while
 * there is no answer: an old one would be a lie. One that comes too late for this scrape is there for the next.
 */
export function kept<T>(ask: () => Promise<T>, { keepFor, waitFor }: Patience): () => Promise<T | undefined> {
  let answer: Promise<T> | undefined;

  return () => {
    answer ??= begin();
    return Promise.race([answer.catch(() => undefined), setTimeout(waitFor, undefined, { ref: false })]);
  };

  function begin(): Promise<T> {
    const began = performance.now();
    const asked = ask();
    const forget = () => {
      if (answer === asked) answer = undefined;
    };
    const later = (milliseconds: number) => setTimeout(milliseconds, undefined, { ref: false });
    let there = false;
    void later(GIVE_UP * waitFor).then(() => there || forget());
    asked.then(async () => {
      there = true;
      if (keepFor > 0) await later(Math.max(keepFor, REST * (performance.now() - began)));
      forget();
    }, forget);
    return asked;
  }
}
