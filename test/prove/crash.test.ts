import { proves } from "./proves.ts";

/** A seed for each day, so that all boundaries have their turn in time; what breaks names it. */
const TODAY = Math.floor(Date.now() / 86_400_000);

proves("crash", {
  seconds: 5,
  seed: TODAY,
  broken: 1,
  figures: [
    "killed between effects and completion",
    "killed at random",
    "killed PostgreSQL's postmaster",
    "killed a session of PostgreSQL",
    "killed in a migration",
    "acknowledged",
  ],
});
