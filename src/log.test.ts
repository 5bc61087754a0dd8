import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function written(): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  return { lines, log: createLog("debug", { write: (line) => void lines.push(line) }) };
}

test("a line has the fields that may be logged, and the text", () => {
  const { lines, log } = written();
  log.info({ connector: "shopify", count: 3, email: "jenny@example.com" }, "done");
  const [line = ""] = lines;
  expect(JSON.parse(line)).toEqual({
    level: "info",
    time: expect.any(String),
    connector: "shopify",
    count: 3,
    msg: "done",
  });
});

test.each([
  ["an error, whole", (log: Careless) => log.error(new Error("jenny@example.com"))],
  ["an error in a field", (log: Careless) => log.warn({ err: new Error("jenny@example.com") }, "failed")],
  [
    "an object under a name that is allowed",
    (log: Careless) => log.warn({ message: { to: "jenny@example.com" } }, "x"),
  ],
  ["a list", (log: Careless) => log.info({ reason: ["jenny@example.com"] }, "x")],
  ["a value for the text", (log: Careless) => log.info({}, "sent to %s", "jenny@example.com")],
  ["a field of another name", (log: Careless) => log.debug({ customer: "jenny@example.com" }, "x")],
])("%s does not reach the log", (_, careless) => {
  const { lines, log } = written();
  careless(log as unknown as Careless);
  expect(lines).toHaveLength(1);
  expect(lines.join("")).not.toContain("jenny");
});

test("the same warning comes once in half a minute, of each controller", () => {
  const { lines, log } = written();
  for (const controller of ["one", "one", "two", undefined, undefined])
    log.warn({ code: "database/unavailable", controller }, "it could not be swept");
  expect(lines.map((line) => JSON.parse(line).controller)).toEqual(["one", "two", undefined]);
});

/** The log as somebody would use it who pays no attention to its types. */
type Careless = Record<"debug" | "info" | "warn" | "error", (...args: unknown[]) => void>;
