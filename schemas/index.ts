export * from "./audit.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./ids.ts";
export * from "./personal.ts";
export * from "./receipt.ts";
export * from "./views.ts";
export * from "./vocabulary.ts";
