import { settled } from "./webhooks.ts";
import type { World } from "./world.ts";

/** What failed is tried again by hand; and everything is listed that commands list. */
export async function replayAndList(world: World): Promise<void> {
  const { lethe } = world;
  await lethe.run(["deliveries", "replay", "--status", "failed"]);
  await settled(world);
  const lists = [
    ["connection", "list"],
    ["deliveries", "list"],
    ["deliveries", "list", "--status", "failed", "--json"],
    ["subjects", "list", "--json"],
    ["activities", "list", "--json"],
    ["consents", "list", "--json"],
    ["consents", "pushes"],
    ["rights", "list", "--json"],
    ["audit", "verify", "--json"],
    ["doctor", "--json"],
  ];
  for (const list of lists) await lethe.run(list);
}
