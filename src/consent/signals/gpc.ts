import type { SignalChoice } from "./choice.ts";

/**
 * Global Privacy Control: the request header is exactly `Sec-GPC: 1`; any other value says nothing.
 * It is an opt-out of sale and of sharing, and does not say where the person is (https://w3c.github.io/gpc/;
 * California: 11 CCR § 7025).
 */
export function readGpc(header: string | undefined): SignalChoice[] {
  if (header !== "1") return [];
  return [
    {
      purpose: "sale_or_sharing",
      state: "withdrawn",
      method: "global_privacy_control",
      jurisdiction: null,
      evidence: "Sec-GPC:1",
    },
  ];
}
