import type { ControllerTransaction } from "#database";
import type { ControllerKeys } from "#vault";
import type { Claim, Identifier } from "./claim.ts";
import { findTombstones, hasTombstones, keyOf, liftTombstones, raiseTombstones } from "./tombstone.ts";

/** Tells claims about people who were erased from the others, one after another. */
export interface Recognition {
  /** The claim without what is an erased person's; undefined if it is about them. */
  readonly living: (claim: Claim) => Claim | undefined;
  /** Writes down by what else the erased are known now, and which ids turned out to be somebody else's. */
  readonly save: () => Promise<void>;
}

/**
 * Recognises people who were erased. `isKnown` tells whether somebody who is known has the identifier.
 *
 * - **Their address is theirs for good**, until they are let in again. A claim with it is about them, unless it also names
 *   somebody who is known: then it is about those, and nothing of the erased person's is linked.
 * - **A platform's id is theirs as long as the platform says so.** Named together with an erased address, an id that is new
 *   gets a tombstone, too, but as one that was only learnt: a platform may speak of an account by nothing else.
 * - **It is somebody's who is known** if it is named together with what those are known by, and with no erased address: the
 *   tombstone is lifted. So who was let in again by their address gets their accounts back with the next webhook.
 * - **A learnt id is somebody new's** if it is named together with an address that is not erased, and none that is: an
 *   account that was opened with a relative's address, say. Of an id that the person themselves had before, or that the
 *   erasure named, another address alone does not do: they may only have changed it, and nobody asked to be known again.
 * - A number alone counts as theirs; next to anything stronger it says nothing, because people share them.
 */
export async function recogniseErased(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  claims: readonly Claim[],
  isKnown: (identifier: Identifier) => boolean,
): Promise<Recognition> {
  // Most controllers have none, and then nothing has to be hashed for it.
  if (!(await hasTombstones(tx))) return { living: (claim) => claim, save: async () => {} };
  const tombstones = await findTombstones(tx, keys, claims);
  const learnt = new Map<string, Identifier>();
  const lifted = new Map<string, Identifier>();
  const isErased = (identifier: Identifier) => tombstones.has(keyOf(identifier));
  const isLearnt = (identifier: Identifier) => tombstones.get(keyOf(identifier)) === "learnt";

  return {
    living: (claim) => {
      const left = living(claim);
      if (left === undefined) learnIds(claim);
      return left;
    },
    save: async () => {
      await raiseTombstones(tx, keys, [...learnt.values()], { learnt: true });
      await liftTombstones(tx, keys, [...lifted.values()]);
    },
  };

  function living(claim: Claim): Claim | undefined {
    const erased = claim.strong.filter(isErased);
    const strong = claim.strong.filter((identifier) => !isErased(identifier));
    if (erased.length === 0) return strong.length > 0 || !claim.weak.some(isErased) ? claim : undefined;
    // The folded form of an erased address is as much theirs as the address is; it has no tombstone of its own.
    const byAddress = erased.some(isAddress);
    if (byAddress) {
      const weak = claim.weak.filter(
        (identifier) => identifier.kind !== "email_folded" && !isErased(identifier),
      );
      return strong.some(isKnown) ? { ...claim, strong, weak } : undefined;
    }
    if (!strong.some(isKnown) && !(erased.every(isLearnt) && strong.some(isAddress))) return undefined;
    for (const identifier of erased) lift(identifier);
    return claim;
  }

  function lift(identifier: Identifier): void {
    tombstones.delete(keyOf(identifier));
    lifted.set(keyOf(identifier), identifier);
  }

  /** By which the platform knows them now: it may name nothing else the next time. */
  function learnIds({ strong }: Claim): void {
    for (const identifier of strong)
      if (identifier.kind === "platform_id" && !isErased(identifier)) {
        tombstones.set(keyOf(identifier), "learnt");
        learnt.set(keyOf(identifier), identifier);
      }
  }
}

const isAddress = ({ kind }: Identifier) => kind === "email";
