import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Witness } from "#audit";
import { controllerErrors } from "#controllers";
import { type Database, eq, findPolicyFaults, tables, withSession } from "#database";
import { type Did, describeError, HUB } from "#schemas";
import type { Outside } from "#workflows";
import type { Rooms } from "./rooms.ts";

/** Keeps the hub's newest checkpoint outside the database: a database rolled back or rewritten cannot agree with it. */
export function witnessFile(dataDir: string): Witness {
  const path = witnessPath(dataDir);
  return async (note) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(`${path}.new`, note, { flush: true });
    await rename(`${path}.new`, path);
  };
}

/** The checkpoint that is held in the data directory; undefined only if there is none. */
export async function readWitness(dataDir: string): Promise<string | undefined> {
  return readFile(witnessPath(dataDir), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** Whose name the hub's own log is signed in. */
export async function hubDid(database: Database): Promise<Did> {
  const [row] = await database.inController(HUB, ({ db }) =>
    db
      .select({ did: tables.controller.did })
      .from(tables.controller)
      .where(eq(tables.controller.controllerId, HUB)),
  );
  if (row === undefined) throw controllerErrors.unknown(HUB);
  return row.did;
}

/** For the integrity check: everything that there is to compare with. */
export function outsideOf(rooms: Rooms): Outside {
  return {
    logs: async () => ({ hubDid: await hubDid(rooms.database), logs: await rooms.controllers() }),
    witness: () => readWitness(rooms.config.dataDir),
    policyFaults: () => withSession(rooms.server, findPolicyFaults).catch(unlessRefused),
  };
}

/** A login may be kept from the catalogue; then somebody else has to ask. */
function unlessRefused(error: unknown): undefined {
  if (describeError(error).code !== "postgres/42501") throw error;
}

const witnessPath = (dataDir: string) => join(dataDir, "audit", "hub-checkpoint.txt");
