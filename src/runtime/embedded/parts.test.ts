import { describe, expect, test } from "vitest";
import { compileCondition, compileKey } from "./expression.ts";
import { backoff, endOf, retryAfter } from "./time.ts";

const event = {
  id: "e",
  name: "n",
  ts: 0,
  data: { id: "r1", n: 3, yes: true, nested: { id: "x" }, quote: "it's" },
};
const other = { ...event, data: { id: "r1" } };

describe("the executor's CEL", () => {
  test.each([
    ["event.data.id == async.data.id", true],
    ["event.data.id != async.data.id", false],
    ["event.data.id == 'r1' && event.data.n == 3", true],
    ["event.data.id == 'r1' && event.data.n == 4", false],
    ["event.data.yes == true", true],
    ['event.data.nested.id == "x"', true],
    ["event.data.missing == async.data.missing", true],
    ["event.data.quote == 'it\\'s'", true],
    ["event.data.id == 'a && b'", false],
    ["event.data.__proto__ == 'x'", false],
  ])("knows %s", (expression, expected) => {
    expect(compileCondition(expression)(event, other)).toBe(expected);
  });

  test.each([
    "",
    "event",
    "event.data.id",
    "event.data.id == ",
    "event.data.n > 3",
    "a || b",
    "event.data.id == 'x' &&",
    "event.data.id == 'x' && && true",
    "size(event.data) == 1",
    "event.data['id'] == 'x'",
    "process.env.HOME == 'x'",
    "event.data.id = 'x'",
  ])("refuses %s", (expression) => {
    expect(() => compileCondition(expression)).toThrow("cannot evaluate");
  });

  test("takes a key from one path", () => {
    expect(compileKey("event.data.id")(event)).toBe('"r1"');
    expect(compileKey("event.data.n")(event)).toBe("3");
    expect(compileKey("event.data.missing")(event)).toBe("null");
    for (const odd of ["'constant'", "async.data.id", "event.data.a == 1"])
      expect(() => compileKey(odd)).toThrow("cannot evaluate");
  });
});

describe("times", () => {
  test.each([
    ["300ms", 300],
    ["2h45m", 9_900_000],
    ["1.5s", 1_500],
    ["1w", 604_800_000],
    ["1970-01-01T00:00:05Z", 4_000],
  ])("%s end after", (text, expected) => {
    expect(endOf(text, 1_000) - 1_000).toBe(expected);
  });

  test.each(["", "soon", "5", "5 minutes", "-5s"])("%s is refused", (text) => {
    expect(() => endOf(text, 0)).toThrow("neither a duration nor a time");
  });

  test("between retries grow as the server's do: 15 s, 30 s, 1 m … 2 h, with up to 30 s of jitter", () => {
    const seconds = [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200, 7_200];
    for (const [attempt, least] of seconds.entries()) {
      expect(backoff(attempt, 1)).toBeGreaterThanOrEqual(least * 1_000);
      expect(backoff(attempt, 1)).toBeLessThanOrEqual((least + 30) * 1_000);
    }
  });

  test("of Retry-After are seconds or a date", () => {
    expect(retryAfter("7", 0)).toBe(7_000);
    expect(retryAfter("Thu, 01 Jan 1970 00:00:09 GMT", 1_000)).toBe(8_000);
    expect(retryAfter(null, 0)).toBeUndefined();
  });
});
