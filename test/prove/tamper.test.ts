import { proves } from "./proves.ts";

proves("tamper", { seconds: 1, broken: 2, figures: ["changes", "kinds", "undetected by design (kinds)"] });
