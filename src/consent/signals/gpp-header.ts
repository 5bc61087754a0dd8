import { bitsOf } from "./base64url.ts";

/**
 * Whether a header names as many sections as follow it. To be asked before the library, which counts ranges out one by one:
 * fifteen characters can name more sections than there is time or memory for. A header is Int(6) 3, Int(6) version 1, and
 * Range(Fibonacci): Int(12) entries, each a bit that tells whether it is a range, and one number or two, each as its distance
 * from the last in Fibonacci coding, which ends with the first `11`.
 */
export function namesSections(header: string, sections: number): boolean {
  if (!/^DB[\w-]{2,}$/.test(header)) return false;
  const bits = bitsOf(header.slice(2));
  const entry = /(?:0|1[01]*?11)([01]*?11)/y;
  entry.lastIndex = 12;
  let named = 0;
  for (let left = Number.parseInt(bits.slice(0, 12), 2); left > 0; left--) {
    const range = bits.charAt(entry.lastIndex) === "1";
    const [, last = ""] = entry.exec(bits) ?? [];
    if (last === "") return false;
    named += 1 + (range ? fibonacci(last) : 0);
  }
  return named === sections;
}

/** The number that a Fibonacci code stands for: its bits are 1, 2, 3, 5, 8 …, and the last only ends it. */
function fibonacci(code: string): number {
  let [value, weight, next] = [0, 1, 2];
  for (const bit of code.slice(0, -1)) {
    if (bit === "1") value += weight;
    [weight, next] = [next, weight + next];
  }
  return value;
}
