import { describe, expect, test } from "vitest";
import type { Mark } from "./echo.ts";
import { isInStep } from "./in-step.ts";

const at = (state: Mark["state"], seconds: number): Mark => ({ state, at: seconds * 1_000 });
const inStep = (wanted: "granted" | "withdrawn", ours: Mark[], theirs: Mark[]) =>
  isInStep(wanted, { ours, theirs });

describe("a platform is in step", () => {
  test("if what it reported last is what it should hold", () => {
    expect(inStep("withdrawn", [], [at("granted", 0), at("withdrawn", 60)])).toBe(true);
    expect(inStep("withdrawn", [], [at("withdrawn", 0), at("granted", 60)])).toBe(false);
  });

  test("if what we sent there last is", () => {
    expect(inStep("withdrawn", [at("granted", 58), at("withdrawn", 60)], [at("granted", 0)])).toBe(true);
    expect(inStep("granted", [at("granted", 58), at("withdrawn", 60)], [])).toBe(false);
  });

  test("but not before it was ever heard of, or when it holds neither yes nor no", () => {
    expect(inStep("withdrawn", [], [])).toBe(false);
    expect(inStep("granted", [], [at(undefined, 0)])).toBe(false);
    // Of a change that failed, nobody knows whether it arrived.
    expect(inStep("granted", [at(undefined, 60)], [at("granted", 0)])).toBe(false);
  });

  test("but not while it is in doubt whether our change or the person's own came last", () => {
    expect(inStep("withdrawn", [at("granted", 59)], [at("withdrawn", 60)])).toBe(false);
    expect(inStep("withdrawn", [at("granted", 61)], [at("withdrawn", 60)])).toBe(false);
    expect(inStep("withdrawn", [at("granted", 50)], [at("withdrawn", 60)])).toBe(true);
    expect(inStep("withdrawn", [at("withdrawn", 58)], [at("withdrawn", 60)])).toBe(true);
  });

  test("but not by a report that may be about a part only, where the person or the purpose is there several times", () => {
    const report = { ours: [], theirs: [at("withdrawn", 60)] };
    expect(isInStep("withdrawn", report, false)).toBe(false);
    expect(isInStep("withdrawn", { ...report, ours: [at("withdrawn", 90)] }, false)).toBe(true);
  });

  test("but not while it reported both within a second", () => {
    expect(inStep("withdrawn", [], [at("withdrawn", 60), at("granted", 60)])).toBe(false);
  });
});
