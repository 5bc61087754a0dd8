import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectors } from "#connectors";
import { rotateSecret } from "#controllers";
import { type Connector, configured, type Fixture, freshSecret, loadFixtures } from "#kit";
import type { ControllerId } from "#schemas";
import { type HubProcess, startHubProcess } from "../../support/hub-process.ts";
import { freshRooms, type TestRooms } from "../../support/rooms.ts";

/** Bytes that the hub takes of a body: more than 100,000 brackets on both sides, and soon exceeded. */
export const MAX_BODY = 256 * 1024;
/** Milliseconds in which a request must have come whole. */
export const REQUEST_TIMEOUT = 2_000;

/** One platform's door, with its fixtures and the keys to it. */
export interface Target {
  readonly connector: Connector;
  readonly fixtures: readonly Fixture[];
  readonly id: string;
  readonly secret: string;
  /** Counts still, beside the secret: its hour of grace after the rotation is not over. */
  readonly previous: string;
  /** Was rotated away without grace. */
  readonly former: string;
  /** Another connection to the same platform, with a secret of its own. */
  readonly other: { readonly id: string; readonly secret: string };
  /** One that is for another account than any fixture's. */
  readonly elsewhere: { readonly id: string; readonly secret: string };
}

/** A running hub with a connection to every platform. */
export interface Site {
  readonly hub: HubProcess;
  readonly rooms: TestRooms;
  readonly port: number;
  readonly controllerId: ControllerId;
  readonly targets: readonly Target[];
  close(): Promise<void>;
}

export async function openSite(server: string): Promise<Site> {
  const rooms = await freshRooms(server);
  const controllerId = await rooms.controller();
  const targets: Target[] = [];
  for (const connector of connectors.values()) targets.push(await target(rooms, controllerId, connector));
  const dataDir = mkdtempSync(join(tmpdir(), "lethe-forge-"));
  const hub = await startHubProcess({
    DATABASE_URL: rooms.url,
    LETHE_MASTER_KEY: rooms.masterKey,
    LETHE_DATA_DIR: dataDir,
    LETHE_MAX_BODY: String(MAX_BODY),
    LETHE_REQUEST_TIMEOUT: String(REQUEST_TIMEOUT),
    // All come from one address, and each must be judged by what it says.
    LETHE_MAX_REFUSALS: "1000000000",
    LETHE_MAX_SIGNALS: "1000000000",
    LETHE_MAX_RIGHTS: "1000000000",
  });
  return {
    ...{ hub, rooms, controllerId, targets },
    port: Number(new URL(hub.url).port),
    close: async () => {
      await hub.kill();
      await rooms.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function target(rooms: TestRooms, controllerId: ControllerId, known: Connector): Promise<Target> {
  const connector = configured(known, known.configuration?.example);
  const { id, secret: former } = await rooms.connection(controllerId, known.id);
  const [previous, secret] = [freshSecret(connector), freshSecret(connector)];
  const rotate = (to: string, keepHours: number) =>
    rotateSecret(rooms.database, rooms.ring, known, { controllerId, id }, to, keepHours);
  await rotate(previous, 0);
  await rotate(secret, 1);
  const other = await rooms.connection(controllerId, known.id);
  const elsewhere = await rooms.connection(controllerId, known.id, { account: "nobody-s-account.example" });
  return {
    ...{ connector, id, secret, previous, former, other, elsewhere },
    fixtures: loadFixtures(`fixtures/${known.id}`).filter(isDelivery),
  };
}

/** The code of an error names its room; the reason of a refusal does not. */
function isDelivery({ expect: { outcome, error } }: Fixture): boolean {
  return outcome !== "ping" && outcome !== "handshake" && (error === undefined || error.includes("/"));
}
