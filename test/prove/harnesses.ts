import type { Harness } from "./harness.ts";

/** By name; each is loaded when it is asked for. */
export const HARNESSES: Readonly<Record<string, () => Promise<Harness>>> = {
  forge: async () => (await import("./forge/index.ts")).harness,
  leak: async () => (await import("./leak/index.ts")).default,
  crash: async () => (await import("./crash/index.ts")).default,
  isolate: async () => (await import("./isolate/index.ts")).isolate,
  tamper: async () => (await import("./tamper/index.ts")).tamper,
  soak: async () => (await import("./soak/index.ts")).default,
};
