export * from "./audit.ts";
export * from "./consent.ts";
export * from "./controllers.ts";
export * from "./identity.ts";
export * from "./inbox.ts";
export * from "./records.ts";
export * from "./rights.ts";
export * from "./runtime.ts";
export { lethe } from "./shared.ts";
