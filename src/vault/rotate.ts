import type { ControllerId } from "#schemas";
import type { KeyRing } from "./key-ring.ts";
import type { MasterKeyProvider } from "./master-key.ts";

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
 */
export async function rotateMasterKey(
  ring: KeyRing,
  master: MasterKeyProvider,
  controllers: () => Promise<readonly ControllerId[]>,
  progress: (done: number, total: number) => void = () => {},
): Promise<Rotation> {
  const to = master.add?.() ?? master.current();
  let rewrapped = 0;
  const all = await controllers();
  for (const [index, controllerId] of all.entries()) {
    rewrapped += await ring.rewrap(controllerId, to);
    progress(index + 1, all.length);
  }
  // Once more over everybody, those included who came meanwhile: nothing left is the proof.
  let leftover = 0;
  for (const controllerId of await controllers()) leftover += await ring.rewrap(controllerId, to);
  rewrapped += leftover;
  const destroyed = leftover === 0 && master.forgetOld !== undefined;
  if (destroyed) master.forgetOld?.();
  return { version: to.version, rewrapped, destroyed };
}
