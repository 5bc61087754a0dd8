import { expect, test } from "vitest";
import { BROKEN_BUILDS as CRASH } from "./crash/broken-builds.ts";
import { BROKEN_BUILDS as FORGE } from "./forge/broken-builds.ts";
import { isAmong, untried } from "./harness.ts";
import { BROKEN_BUILDS as LEAK } from "./leak/broken-builds.ts";
import { readWanted } from "./wanted.ts";

test.each([
  ["no number of broken builds", "--broken", "--broken=abc"],
  ["less than none", "--broken", "--broken=-1"],
  ["half of one", "--broken", "--broken=0.5"],
  ["no time", "--for", "--for=0s"],
  ["a time that is none", "--for", "--for=soon"],
  ["no seed", "--seed", "--seed="],
  ["an option that there is not", "--brokn", "--brokn=1"],
])("a dose with %s is refused, and the option is named", (_, option, ...args) => {
  expect(readWanted(["crash", "--for", "1s", ...args])).toContain(option);
});

test("a dose is as long, and looks for as many broken builds, as was said", () => {
  const said = ["crash", "--for", "1.5m", "--broken", "2", "--seed=-7"];
  expect(readWanted(said)).toMatchObject({ name: "crash", milliseconds: 90_000, broken: 2, seed: -7 });
  expect(readWanted(["leak"])).toMatchObject({ milliseconds: 20_000, broken: undefined, seed: 1 });
});

test("a run that tried nothing of what it must is no proof", () => {
  const tried = ["kills", "acknowledged", "requests"];
  expect(untried({ tried }, { kills: 1, acknowledged: 0 })).toEqual([
    'proves nothing: "acknowledged" is not above 0',
    'proves nothing: "requests" is not above 0',
  ]);
});

test("a broken build is not found out by some other fault", () => {
  for (const { what, by } of [...CRASH, ...FORGE, ...LEAK])
    expect(isAmong(by, ["seed 1: something else is wrong"]), what).toBe(false);
  expect(isAmong(/twice/, ["a fault", "seed 1: it happened twice"])).toBe(true);
});
