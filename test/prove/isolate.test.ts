import { proves } from "./proves.ts";

proves("isolate", { seconds: 2, broken: 2 });
