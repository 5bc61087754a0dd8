import { proves } from "./proves.ts";

proves("forge", {
  seconds: 4,
  broken: 1,
  figures: ["requests", "kinds", "slow connections cut", "honest requests meanwhile"],
});
