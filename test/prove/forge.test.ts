import { proves } from "./proves.ts";

proves("forge", { seconds: 4, broken: 1 });
