import { proves } from "./proves.ts";

/** A seed for each day, so that all boundaries have their turn in time; what breaks names it. */
const TODAY = Math.floor(Date.now() / 86_400_000);

proves("crash", { seconds: 5, seed: TODAY, broken: 1 });
