import { build } from "./build.ts";
import example from "./example.json" with { type: "json" };

/** A connector without code: each connection says how its platform signs, and where in a payload to find what. */
export default {
  ...build(example),
  name: "Generic",
  configuration: { configure: build, example },
};
