import { afterAll, beforeAll } from "vitest";
import { simulatePlatforms } from "../platforms.ts";
import { leadPlatformsTo } from "./lead.ts";
import type { SimulatedApi } from "./simulated.ts";

/** For a test file whose hub is in its own process: what SDKs send reaches the simulated platforms over HTTP, and nothing gets out. */
export function usePlatforms(platforms: () => readonly SimulatedApi[]): void {
  let stop = async () => {};
  beforeAll(async () => {
    const server = await simulatePlatforms(platforms);
    const leadNoLonger = leadPlatformsTo(server.url);
    stop = async () => {
      leadNoLonger();
      await server.stop();
    };
  });
  afterAll(() => stop());
}
