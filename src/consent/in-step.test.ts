import { describe, expect, test } from "vitest";
import { isInStep } from "./in-step.ts";

const at = (state: "granted" | "withdrawn" | undefined, seconds: number) => ({ state, at: seconds * 1_000 });

describe("a platform is in step", () => {
  test("if the last that it reported, or was sent, is what it should hold", () => {
    expect(isInStep("withdrawn", [at("granted", 0), at("withdrawn", 60)])).toBe(true);
    expect(isInStep("withdrawn", [at("withdrawn", 0), at("granted", 60)])).toBe(false);
  });

  test("but not before it was ever heard of, or when it holds neither yes nor no", () => {
    expect(isInStep("withdrawn", [])).toBe(false);
    expect(isInStep("granted", [at(undefined, 0)])).toBe(false);
  });

  test("but not while the order of what came last is in doubt: our change and the person's own, within the clocks' skew", () => {
    expect(isInStep("withdrawn", [at("withdrawn", 60), at("granted", 58)])).toBe(false);
    expect(isInStep("withdrawn", [at("withdrawn", 60), at("granted", 50)])).toBe(true);
  });
});
