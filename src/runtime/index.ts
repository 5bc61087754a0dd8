export { createEmbeddedRuntime, type EmbeddedOptions } from "./embedded/index.ts";
export { createInngestRuntime, type InngestOptions } from "./inngest/index.ts";
export type { ObservedRun, Runtime, RuntimeLog, RuntimeOptions, Workflows } from "./runtime.ts";
export { scrub } from "./scrub.ts";
export { findStop, type Stop } from "./switch.ts";
