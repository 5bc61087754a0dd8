import { proves } from "./proves.ts";

proves("tamper", { seconds: 1, broken: 1 });
