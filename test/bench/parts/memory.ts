import { figure } from "../figures.ts";
import type { Part } from "../part.ts";
import { resident } from "../processor-time.ts";

const STEPS = 4;

export const memory: Part = {
  name: "memory",
  about: "what the hub's process has resident, early and late",
  async run({ deliveries, hub: start, say }) {
    const hub = await start();
    const { url } = await hub.connection();
    const sizes: number[] = [];
    for (let step = 1; step <= STEPS; step++) {
      say(`memory: ${step} of ${STEPS}`);
      const amount = Math.ceil(deliveries / STEPS);
      await hub.send({ urls: [url], connections: 64, order: { kind: "same" }, amount });
      await hub.drained();
      sizes.push(resident(hub.pid));
    }
    const [early = 0] = sizes;
    return [
      figure("resident memory, early to late", sizes, "MB", "less", { aim: "300 MB, flat" }),
      figure("  late beside early", (sizes.at(-1) ?? 0) / early, "×", "less", { aim: "flat" }),
    ];
  },
};
