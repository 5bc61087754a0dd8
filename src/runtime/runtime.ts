import type { Hono } from "hono";
import type { Inngest, InngestFunction } from "inngest";
import type { Database } from "#database";

/** Executes the durable workflows: `embedded` on the hub's own database, `inngest` on a real Inngest server. */
export interface Runtime {
  readonly kind: "embedded" | "inngest";
  /** Registers the functions and begins to work. */
  start(): Promise<void>;
  /** Says that events were written to the outbox, so that it looks at once. */
  wake(): void;
  /** Whether it works, for `/readyz`. */
  ready(): boolean;
  /** Finishes or hands back what is in hand, within `milliseconds`. */
  stop(milliseconds: number): Promise<void>;
  /** The route by which an Inngest server calls the functions; absent in the embedded runtime. */
  readonly routes?: Hono;
}

/** Makes the functions for a client, because the SDK ties each function to one. */
export type Workflows = (client: Inngest) => InngestFunction.Any[];

export interface RuntimeOptions {
  readonly database: Database;
  readonly workflows: Workflows;
  readonly log: RuntimeLog;
  /** For metrics: called at the end of each run, and of each try that did not succeed. */
  readonly observeRun?: ((observed: ObservedRun) => void) | undefined;
}

/** Enumerated values only. */
export interface ObservedRun {
  readonly function: string;
  readonly outcome: "completed" | "failed" | "retried";
}

/** What a runtime may say about itself: codes and ids only. */
export interface RuntimeLog {
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}
