import { proves } from "./proves.ts";

proves("isolate", {
  seconds: 2,
  broken: 2,
  figures: ["attempts", "tables", "queries of rooms", "that find their own"],
});
