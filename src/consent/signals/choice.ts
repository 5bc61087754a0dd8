import { createHash } from "node:crypto";
import type { ConsentMethod, ConsentPurpose } from "#schemas";

/** What a browser, or a consent management platform, says that the person chose. */
export interface SignalChoice {
  readonly purpose: ConsentPurpose;
  /** `withdrawn`: the person opted out of what goes on until somebody does. `denied`: they were asked, and did not consent. */
  readonly state: "granted" | "denied" | "withdrawn";
  readonly method: Extract<ConsentMethod, "global_privacy_control" | "tcf_string" | "gpp_string">;
  /** Whose law the signal speaks of (`EU`, `US`, `US-CA`, `CA`); null where it does not say. */
  readonly jurisdiction: string | null;
  /** When the person chose, where the signal tells. ISO 8601 in UTC. */
  readonly occurredAt?: string;
  /**
   * `day`: it is the midnight before the person chose, for the day is all that TCF tells since December 2021. So a refusal may
   * be later than it says, and must not lose to a grant of the same day.
   */
  readonly precision?: "day";
  /** `Sec-GPC:1`, or a hash of the string. Never the string: the browser keeps it, so it would tell the person again. */
  readonly evidence: string;
}

export function hashed(signal: "tcf" | "gpp", text: string): string {
  return `${signal}:sha256:${createHash("sha256").update(text).digest("hex")}`;
}
