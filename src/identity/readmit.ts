import type { EventDraft } from "#audit";
import type { ControllerTransaction } from "#database";
import type { ControllerKeys } from "#vault";
import type { Claim } from "./claim.ts";
import { lockController } from "./known.ts";
import { type Linked, linkClaims } from "./link.ts";
import { liftTombstones } from "./tombstone.ts";

/**
 * Lets somebody be known again who was erased, and came back of their own will: as somebody new, known by what the claim
 * names. What else had a tombstone follows when a platform names it together with that (see `recogniseErased`). Undefined,
 * with nothing changed, if nobody was erased by it; unless `anyway`: who came back may have another address by now.
 */
export async function readmit(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  claim: Claim,
  options: { readonly anyway: boolean },
): Promise<{ readonly subject: Linked; readonly events: readonly EventDraft[] } | undefined> {
  await lockController(tx);
  const lifted = await liftTombstones(tx, keys, claim.strong);
  if (lifted === 0 && !options.anyway) return undefined;
  const { subjects, events } = await linkClaims(tx, keys, [claim]);
  const subject = subjects.get(claim);
  if (subject === undefined) return undefined;
  const { workflowId: workflow } = claim;
  return {
    subject,
    events: [
      ...events,
      {
        ...{ workflow, type: "subject.readmitted", entity: "subject", actor: "operator" },
        ...{ subject: subject.auditReference, facts: {} },
      },
    ],
  };
}
