import { type Database, databaseErrors } from "#database";
import type { ControllerId } from "#schemas";
import { vaultErrors } from "./errors.ts";
import type { KeyRing } from "./key-ring.ts";
import type { MasterKeyProvider } from "./master-key.ts";

/** Advisory lock of the one rotation among all processes. */
const ROTATING = 0x1e74e005;

export interface Rotation {
  /** Version that every key is wrapped under now. */
  readonly version: number;
  readonly rewrapped: number;
  /** Whether the old versions are gone; otherwise they must be removed from where the operator keeps them. */
  readonly destroyed: boolean;
}

/**
 * Rotates the master key: a new version (where the provider can keep one), every controller's keys wrapped
 * under it, proof that nothing uses an old one, then the old ones forgotten. Payloads stay as they are.
 * Stopping half-way is harmless: both versions open until the end, and running it again goes on.
 *
 * `record` is called with what was done when only forgetting is left; if it rejects, nothing is forgotten.
 * Throws `vault/rotation-running` while another process rotates, and `vault/old-version-in-use`.
 */
export async function rotateMasterKey(options: {
  database: Database;
  ring: KeyRing;
  master: MasterKeyProvider;
  controllers: () => Promise<readonly ControllerId[]>;
  record: (rotation: Omit<Rotation, "destroyed">) => Promise<void>;
  progress?: (done: number, total: number) => void;
}): Promise<Rotation> {
  const { database, ring, master, controllers, record, progress = () => {} } = options;
  const rotation = { version: 0, rewrapped: 0, destroyed: false };

  const elected = await database.elect(ROTATING, "lethe_app", async (session) => {
    const to = master.add?.() ?? master.current();
    rotation.version = to.version;
    await ring.settled();
    const all = await controllers();
    for (const [index, controllerId] of all.entries()) {
      rotation.rewrapped += await ring.rewrap(controllerId, to);
      progress(index + 1, all.length);
    }
    // Once more over everybody, those included who came meanwhile: nothing left is the proof.
    let leftover = 0;
    for (const controllerId of await controllers()) leftover += await ring.rewrap(controllerId, to);
    if (leftover > 0) throw vaultErrors.oldVersionInUse(to.version);
    await record({ version: to.version, rewrapped: rotation.rewrapped });
    if (!session.alive()) throw databaseErrors.unavailable(); // another rotation may be at the file
    master.forgetBefore?.(to.version);
    rotation.destroyed = master.forgetBefore !== undefined;
  });
  if (!elected) throw vaultErrors.rotating();
  return rotation;
}
