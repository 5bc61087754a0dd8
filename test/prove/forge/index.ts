import type { Dose, Harness, Outcome } from "../harness.ts";
import { assault } from "./assault.ts";
import { BROKEN_BUILDS } from "./broken-builds.ts";
import { openSite } from "./site.ts";

/** Tries to get past the door with what no platform sent, and to bring the hub down by what it is sent. */
export default {
  name: "forge",
  promise:
    "Verified: nothing gets in that the platform did not sign, and nothing that is sent brings the hub down.",
  brokenBuilds: BROKEN_BUILDS,
  tried: ["requests", "kinds", "slow connections cut", "honest requests meanwhile"],
  run,
} satisfies Harness;

async function run(dose: Dose): Promise<Outcome> {
  const site = await openSite(await dose.server());
  try {
    return await assault(site, dose);
  } finally {
    await site.close();
  }
}
