import { describe, expect, test } from "vitest";
import type { ConsentTarget, HeldConsent, PersonThere } from "./consent.ts";
import { onePerson } from "./one-person.ts";

const target: ConsentTarget = { purpose: "email_marketing" };
const wish = (state: "granted" | "withdrawn") =>
  ({ state, occurredAt: "2026-11-20T09:00:00.000Z", confirmed: false }) as const;

/** An entry that holds what it is told, or answers so that nobody knows. */
function entry(name: string, held: HeldConsent | undefined, log: string[], later = false): PersonThere {
  return {
    held: () => held,
    async set(_, { state }) {
      log.push(`${name} ${state}`);
      return later ? { answer: "accepted" } : { answer: "held", held: { state } };
    },
  };
}

describe("a person whom a platform has several times", () => {
  test("is nobody without an entry, and the entry itself with one", () => {
    const only = entry("a", { state: "granted" }, []);
    expect(onePerson([])).toBeUndefined();
    expect(onePerson([only])).toBe(only);
  });

  test("has consented if any entry says so, and has opted out if one does and none says otherwise", () => {
    const held = (...all: (HeldConsent | undefined)[]) =>
      onePerson(all.map((one) => entry("", one, [])))?.held(target);
    expect(held({ state: "withdrawn" }, { state: "granted" })).toEqual({ state: "granted" });
    expect(held({ state: "not_asked" }, { state: "withdrawn" })).toEqual({ state: "withdrawn" });
    expect(held({ state: "not_asked" }, { state: "pending" })).toEqual({ state: "pending" });
    expect(held(undefined, { state: "not_asked" })).toEqual({ state: "not_asked" });
    expect(held(undefined, undefined)).toBeUndefined();
  });

  test("opted out when they last did, and is not blocked where one address works", () => {
    const held = (...all: HeldConsent[]) => onePerson(all.map((one) => entry("", one, [])))?.held(target);
    const [early, late] = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"];
    expect(held({ state: "withdrawn", since: early }, { state: "withdrawn", since: late })?.since).toBe(late);
    expect(held({ state: "not_asked", blocked: "bounced" }, { state: "not_asked" })).toEqual({
      state: "not_asked",
    });
  });

  test("withdraws everywhere, and where it is so already nothing is written", async () => {
    const log: string[] = [];
    const states = ["granted", "withdrawn", "not_asked"] as const;
    const person = onePerson(states.map((state) => entry(state, { state }, log)));
    expect(await person?.set(target, wish("withdrawn"))).toEqual({
      answer: "held",
      held: { state: "withdrawn" },
    });
    expect(log).toEqual(["granted withdrawn", "not_asked withdrawn"]);
  });

  test("is read back later if one entry only took the withdrawal", async () => {
    const log: string[] = [];
    const person = onePerson([
      entry("a", { state: "granted" }, log, true),
      entry("b", { state: "granted" }, log),
    ]);
    expect(await person?.set(target, wish("withdrawn"))).toEqual({ answer: "accepted" });
    expect(log).toEqual(["a withdrawn", "b withdrawn"]);
  });

  test("is written to once: a grant goes to the entry that counted", async () => {
    const log: string[] = [];
    const person = onePerson([
      entry("a", { state: "not_asked" }, log),
      entry("b", { state: "withdrawn" }, log),
    ]);
    await person?.set(target, wish("granted"));
    expect(log).toEqual(["b granted"]);
  });
});
