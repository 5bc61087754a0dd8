import type { ControllerId, Sealed } from "#schemas";
import { type ControllerKeys, fingerprint, open, seal } from "#vault";
import { rightsErrors } from "./errors.ts";

const MOST = 500;

/**
 * Seals what somebody wrote down about a decision. It stays with the evidence, so that the person must not be in it: what
 * looks like an address or a number is refused. Throws `rights/bad-note`.
 */
export function sealNote(
  keys: ControllerKeys,
  controllerId: ControllerId,
  recordId: string,
  text: string,
): Sealed<string> {
  const note = text.trim();
  if (note === "") throw rightsErrors.badNote("is empty");
  if (note.length > MOST) throw rightsErrors.badNote(`has more than ${MOST} characters`);
  if (/@|\d(?:[\s()/.-]*\d){6,}/.test(note))
    throw rightsErrors.badNote(
      "must not hold what could be an e-mail address or a phone number: say it without",
    );
  return seal(keys.current("seal"), context(controllerId, recordId), Buffer.from(note, "utf8"));
}

export function openNote(
  keys: ControllerKeys,
  controllerId: ControllerId,
  recordId: string,
  sealed: Sealed<string>,
): string {
  const opened = open((version) => keys.version("seal", version), context(controllerId, recordId), sealed);
  return Buffer.from(opened).toString("utf8");
}

/** What the audit log keeps of it. */
export const noteBody = (sealed: Sealed<string> | undefined) =>
  sealed === undefined ? null : fingerprint(sealed);

const context = (controllerId: ControllerId, recordId: string) => ({
  purpose: "rights-note",
  controllerId,
  recordId,
});
