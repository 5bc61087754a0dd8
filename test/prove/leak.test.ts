import { proves } from "./proves.ts";

proves("leak", { seconds: 1, broken: 1 });
