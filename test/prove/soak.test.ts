import { proves } from "./proves.ts";

proves("soak", { seconds: 2, broken: 1 });
