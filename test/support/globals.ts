import { afterAll } from "vitest";
import "./mocked-session.ts";

/**
 * What test files that share a process find is what they leave: Hono's server puts a Request and a Response of its own
 * in the place of Node's when it first listens (its option `overrideGlobalObjects`; the hub is quicker for it). msw does
 * not know Node's own errors by them any more, and what should be cut off would hang.
 */
const { Request, Response } = globalThis;
afterAll(() => {
  for (const [name, value] of Object.entries({ Request, Response }))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
});
