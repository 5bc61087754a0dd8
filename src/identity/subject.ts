import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { ControllerId, Did, Personal, Sealed, SubjectId } from "#schemas";
import { type ControllerKeys, hmacSha256, open, seal } from "#vault";
import { didOf } from "./did.ts";

/** A data subject as linking works with it. */
export interface Subject {
  readonly id: SubjectId;
  readonly did: Did;
  readonly sealedKey: Sealed<KeyObject>;
  readonly auditReference: Uint8Array;
  /** Which of two came first: the older one survives a merge. */
  readonly order: number;
}

let created = Number.MAX_SAFE_INTEGER / 2;

/** A new subject with a key of its own, under which everything about the person is sealed and can be forgotten. */
export function createSubject(controllerId: ControllerId, keys: ControllerKeys, id: SubjectId): Subject {
  const secret = randomBytes(32);
  return {
    id,
    did: didOf("subject", id),
    sealedKey: seal(keys.current("subject"), keyContext(controllerId, id), secret),
    auditReference: hmacSha256(createSecretKey(secret), "lethe:v1:audit-reference"),
    order: created++,
  };
}

/** Seals a platform's own id of the person under the person's key. */
export function sealReference(
  controllerId: ControllerId,
  keys: ControllerKeys,
  subject: Pick<Subject, "id" | "sealedKey">,
  connectionId: string,
  value: Personal,
): Sealed<string> {
  return seal(
    { version: 1, key: subjectKey(controllerId, keys, subject) },
    { purpose: "platform-reference", controllerId, recordId: `${subject.id}:${connectionId}` },
    Buffer.from(value.reveal(), "utf8"),
  );
}

function subjectKey(
  controllerId: ControllerId,
  keys: ControllerKeys,
  subject: Pick<Subject, "id" | "sealedKey">,
): KeyObject {
  const epoch = (version: number) => keys.version("subject", version);
  return createSecretKey(open(epoch, keyContext(controllerId, subject.id), subject.sealedKey));
}

const keyContext = (controllerId: ControllerId, subjectId: SubjectId) => ({
  purpose: "subject-key",
  controllerId,
  recordId: subjectId,
});
