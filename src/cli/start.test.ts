import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshRooms, startHubProcess } from "#test";
import { changedBuild } from "../../test/prove/changed-build.ts";

test("a hub that is ready goes on when the database goes away in the next moment", async () => {
  const rooms = await freshRooms();
  const hub = await startHubProcess({
    DATABASE_URL: rooms.url,
    LETHE_MASTER_KEY: rooms.masterKey,
    LETHE_DATA_DIR: mkdtempSync(join(tmpdir(), "lethe-start-")),
    ...changedBuild([
      {
        file: "src/cli/start.ts",
        at: "await hub.rooms.controllers();",
        instead: 'await Promise.reject(new Error("away"));',
      },
    ]),
  });
  await expect.poll(hub.output).toContain("could not look at its controllers");
  expect((await fetch(`${hub.url}/healthz`)).status).toBe(200);
  expect(await hub.stop()).toBe(0);
  await rooms.drop();
});
