import { proves } from "./proves.ts";

proves("leak", {
  seconds: 1,
  broken: 1,
  figures: ["canaries", "places", "bytes searched", "deliveries", "messages", "requests to platforms"],
});
