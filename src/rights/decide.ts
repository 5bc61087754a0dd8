import type { ControllerTransaction } from "#database";
import { findByClaim } from "#identity";
import type { DenialReason, RightsVerification, Sealed } from "#schemas";
import type { ControllerKeys } from "#vault";
import { setDeadlines, type Watch } from "./deadlines.ts";
import { claimFrom, openDetails } from "./details.ts";
import { checkHolds } from "./hold.ts";
import { moveRequest } from "./move.ts";
import type { RightsRequest } from "./request.ts";

interface By {
  readonly actor: string;
  readonly note?: Sealed<string> | undefined;
}

/** The person is who they say: by what. Who they are in the hub's records is looked up now, and not before. */
export async function verifyRequest(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
  verification: RightsVerification,
  by: By,
): Promise<Watch> {
  await moveRequest(tx, request, "verified", { ...by, reason: verification });
  // An address proves who has it, and nothing of anybody else whom a request may name.
  const named = verification === "email" ? null : request.subjectId;
  const subjectId = named ?? (await subjectOf(tx, keys, request));
  const { sql, controllerId } = tx;
  const verifiedAt = new Date().toISOString();
  await sql`update rights_request set verification = ${verification}, verified_at = ${verifiedAt}, subject_id = ${subjectId}
    where controller_id = ${controllerId} and id = ${request.id}`;
  return setDeadlines(tx, { ...request, status: "verified", verification, verifiedAt, subjectId });
}

/** Whose request it is, by its identifiers. A phone alone names nobody. */
export async function subjectOf(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  request: RightsRequest,
): Promise<RightsRequest["subjectId"]> {
  const details = await openDetails(tx, keys, request.id);
  if (details === undefined || request.scope === "account") return null;
  return (await findByClaim(tx, claimFrom(keys, request, details))) ?? null;
}

/** It is to be fulfilled. Throws `rights/legal-hold` where nothing of the person may be erased. */
export async function approveRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: By & { readonly reason?: string },
): Promise<void> {
  if (request.kind === "erasure") await checkHolds(tx, request.subjectId);
  await moveRequest(tx, request, "approved", by);
}

export async function denyRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  reason: DenialReason,
  by: By,
): Promise<void> {
  await moveRequest(tx, request, "denied", { ...by, reason });
  await tx.sql`update rights_request set denial_reason = ${reason} where controller_id = ${tx.controllerId} and id = ${request.id}`;
}
