import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { type ControllerId, type Did, Personal, type Sealed, type SubjectId } from "#schemas";
import { type ControllerKeys, hmacSha256, open, rewrap, seal } from "#vault";
import { didOf } from "./did.ts";

/** A data subject as linking works with it. */
export interface Subject {
  readonly id: SubjectId;
  readonly did: Did;
  readonly sealedKey: Sealed<KeyObject>;
  /** Only of one that was made a moment ago: to open again what was just sealed would be a third of making it. */
  readonly key?: KeyObject;
  readonly auditReference: Uint8Array;
  /** What the person had restricted or objected to, if they did. */
  readonly restriction: "restriction" | "objection" | null;
  /** Which of two came first: the older one survives a merge. */
  readonly order: number;
}

let created = Number.MAX_SAFE_INTEGER / 2;

/** A new subject with a key of its own, under which everything about the person is sealed and can be forgotten. */
export function createSubject(controllerId: ControllerId, keys: ControllerKeys, id: SubjectId): Subject {
  const secret = randomBytes(32);
  const key = createSecretKey(secret);
  return {
    id,
    did: didOf("subject", id),
    sealedKey: seal(keys.current("subject"), keyContext(controllerId, id), secret),
    key,
    auditReference: hmacSha256(key, "lethe:v1:audit-reference"),
    restriction: null,
    order: created++,
  };
}

/** What stands under a subject's key: destroyed with the key, on erasure. */
export type SubjectKey = Pick<Subject, "id" | "sealedKey" | "key">;

/** Seals something about a person under the person's key. `what` and `recordId` bind it to its place. */
export function sealForSubject<T>(
  controllerId: ControllerId,
  keys: ControllerKeys,
  subject: SubjectKey,
  place: { what: string; recordId: string },
  plaintext: string,
): Sealed<T> {
  return seal(
    { version: 1, key: subjectKey(controllerId, keys, subject) },
    { purpose: place.what, controllerId, recordId: place.recordId },
    Buffer.from(plaintext, "utf8"),
  );
}

/** Opens it again. Throws `vault/*`, also when the person's key is gone. */
export function openForSubject(
  controllerId: ControllerId,
  keys: ControllerKeys,
  subject: SubjectKey,
  place: { what: string; recordId: string },
  sealed: Sealed<unknown>,
): Personal {
  const key = subjectKey(controllerId, keys, subject);
  const opened = open(
    (version) => ({ version, key }),
    { purpose: place.what, controllerId, recordId: place.recordId },
    sealed,
  );
  return new Personal(Buffer.from(opened).toString("utf8"));
}

/** The same key, wrapped under the newest epoch; nothing that is sealed under it changes. */
export function rewrapSubjectKey(
  controllerId: ControllerId,
  keys: ControllerKeys,
  { id, sealedKey }: SubjectKey,
): Sealed<KeyObject> {
  const epoch = (version: number) => keys.version("subject", version);
  return rewrap(epoch, keys.current("subject"), keyContext(controllerId, id), sealedKey);
}

function subjectKey(controllerId: ControllerId, keys: ControllerKeys, subject: SubjectKey): KeyObject {
  if (subject.key !== undefined) return subject.key;
  const epoch = (version: number) => keys.version("subject", version);
  return createSecretKey(open(epoch, keyContext(controllerId, subject.id), subject.sealedKey));
}

const keyContext = (controllerId: ControllerId, subjectId: SubjectId) => ({
  purpose: "subject-key",
  controllerId,
  recordId: subjectId,
});
