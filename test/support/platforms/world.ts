import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, beforeAll } from "vitest";
import type { SimulatedPlatform } from "./simulated.ts";

/** For a test file whose hub is in its own process: what SDKs send reaches the simulated platforms, and nothing gets out. */
export function usePlatforms(platforms: () => readonly SimulatedPlatform[]): void {
  const server = setupServer(
    http.all(/^https:/, ({ request }) => {
      const platform = platforms().find(({ serves }) => serves(new URL(request.url).hostname));
      return platform?.handle(request) ?? HttpResponse.error();
    }),
  );
  beforeAll(() => server.listen({ onUnhandledFrame: "bypass" }));
  afterAll(() => server.close());
}
