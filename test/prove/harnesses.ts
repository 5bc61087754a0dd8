import type { Harness } from "./harness.ts";

/** By name; each is loaded when it is asked for. */
export const HARNESSES: Readonly<Record<string, () => Promise<Harness>>> = {
  crash: async () => (await import("./crash/index.ts")).default,
  leak: async () => (await import("./leak/index.ts")).default,
  forge: async () => (await import("./forge/index.ts")).default,
  isolate: async () => (await import("./isolate/index.ts")).default,
  tamper: async () => (await import("./tamper/index.ts")).default,
  soak: async () => (await import("./soak/index.ts")).default,
};
