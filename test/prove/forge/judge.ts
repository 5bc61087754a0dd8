import type { Expected } from "./forgery.ts";
import type { Exchange } from "./wire.ts";

/** What is wrong with what became of an attempt; undefined if it is as it must be. */
export function faultOf(expected: Expected, answer: Exchange): string | undefined {
  const { statuses, codes, accepted, duplicates, closed } = answer;
  const said = `${statuses.join(", ") || "nothing"}${codes.length > 0 ? ` ${codes.join(", ")}` : ""}`;
  const first = statuses[0];
  if (statuses.some((status) => status >= 500)) return `answered ${said}`;
  if (first === undefined && !closed) return "neither answered nor closed";
  if (statuses.length > 1 && statuses.some((status) => status < 400)) return `one request, answered ${said}`;
  switch (expected) {
    case "refused":
      return first !== undefined && first < 400 ? `was to be refused, answered ${said}` : undefined;
    case "unstored":
      return accepted.length + duplicates > 0 ? "is no delivery, and was taken for one" : undefined;
    case "repeated":
      if (accepted.length > 0) return "is there already, and was accepted again";
      return duplicates === 1 ? undefined : `says what the platform said, answered ${said}`;
    case "anew":
      return accepted.length === 1 ? undefined : `is another delivery, answered ${said}`;
    case "harmless":
      if (accepted.length > 0) return "was to be refused or a duplicate, and was accepted";
      return duplicates === 1 || first === undefined || first >= 400 ? undefined : `answered ${said}`;
    case "safe":
    case "failing":
      return first === undefined ? "was signed by the secret, and got no answer" : undefined;
  }
}

/** Whether what came back is the hub taking something that it must not: the graver fault. */
export function isWronglyAccepted(expected: Expected, { statuses, accepted }: Exchange): boolean {
  if (expected === "safe" || expected === "failing" || expected === "anew") return false;
  return accepted.length > 0 || (expected === "refused" && statuses.some((status) => status < 400));
}
