import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type HubProcess, startHubProcess } from "./hub-process.ts";
import { type CommandResult, callLethe, runLethe } from "./lethe.ts";
import { freshRooms, type TestRooms } from "./rooms.ts";
import { fixture, sendFixture } from "./send.ts";

/** A running hub, and commands on the same database, as processes of their own or not. */
export const at = {} as {
  rooms: TestRooms;
  hub: HubProcess;
  settings: Record<string, string>;
  /** A controller to work with. */
  controller: string;
  folder: string;
  /** Commands run in the test's own process. */
  here: boolean;
};
export const SECRET = "the-shop's-client-secret";

export function useHub(options: { here?: boolean } = {}): void {
  beforeAll(async () => {
    at.here = options.here === true;
    at.rooms = await freshRooms();
    at.folder = mkdtempSync(join(tmpdir(), "lethe-cli-"));
    at.settings = {
      DATABASE_URL: at.rooms.url,
      LETHE_MASTER_KEY: at.rooms.masterKey,
      LETHE_DATA_DIR: at.folder,
    };
    at.hub = await startHubProcess(at.settings);
    const { id } = await json<{ id: string }>("controller", "add", "Acme GmbH", "--environment", "sandbox");
    at.controller = id;
  });
  afterAll(async () => {
    await at.hub.stop();
    await at.rooms.drop();
    rmSync(at.folder, { recursive: true, force: true });
  });
}

export function lethe(...args: string[]): Promise<CommandResult> {
  return at.here ? callLethe(args, at.settings) : runLethe(args, at.settings);
}

/** Runs a command that must succeed, with `--json`. */
export async function json<T>(...args: string[]): Promise<T> {
  const result = await lethe(...args, "--json");
  expect(result).toMatchObject({ code: 0, err: "" });
  return result.json<T>();
}

/** A connection made by the command, and a way to send it signed fixtures. */
export async function connect(connector: string, ...more: string[]) {
  const added = await json<{ id: string; url: string }>(
    ...["connection", "add", connector, "--controller", at.controller, "--secret", SECRET, ...more],
  );
  return {
    ...added,
    send: (name: string, change?: Parameters<typeof sendFixture>[4]) =>
      sendFixture(added.url, connector, fixture(`${connector}/${name}`), SECRET, change),
  };
}

/** Resolves when everything that came to the connection has been processed, one way or another. */
export const settled = (connection: string) =>
  expect
    .poll(
      async () => {
        const [row] = await at.rooms.superuser(
          (sql) =>
            sql`select count(*)::int as left from delivery where connection_id = ${connection} and status = 'received'`,
        );
        return row?.left;
      },
      { timeout: 10_000 },
    )
    .toBe(0);
