import { v4 as uuid } from "uuid";
import type { EventDraft } from "#audit";
import type { ControllerTransaction } from "#database";
import { type ConnectionId, SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { Claim, Identifier } from "./claim.ts";
import { knowNewestEpoch } from "./epochs.ts";
import { type KnownIdentifier, knownTo, lockController, objectKey } from "./known.ts";
import { recogniseErased } from "./recognise.ts";
import { type Changes, type Merge, saveChanges } from "./save.ts";
import { createSubject, type Subject } from "./subject.ts";
import { keyOf } from "./tombstone.ts";

/** Whom a claim turned out to be about, and what finding out changed. Undefined where nothing identifies anybody. */
export interface Linked {
  readonly subjectId: SubjectId;
  readonly auditReference: Uint8Array;
  readonly sealedKey: Subject["sealedKey"];
  readonly restriction: Subject["restriction"];
}

export interface LinkResult {
  readonly subjects: ReadonlyMap<Claim, Linked>;
  readonly events: readonly EventDraft[];
  readonly merges: readonly Merge[];
  /** Claims about people who were erased: nothing was linked, and nobody made. */
  readonly erased: readonly Claim[];
  /** Subjects that were known before, and of whom a platform showed that it knows them by something new. */
  readonly spread: readonly SubjectId[];
}

/** Against how many other subjects a shared phone or folded address is reported: a hotline is not news. */
const MAX_CANDIDATES = 10;

/**
 * Links claims to data subjects, in order, as if each came alone: the same e-mail hash, or the same platform id
 * of the same connection, is the same subject; a claim that ties two subjects merges them (recorded, so that it can
 * be undone); shared phones and folded addresses only make candidate links. One linking at a time a controller.
 */
export async function linkClaims(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  claims: readonly Claim[],
): Promise<LinkResult> {
  await lockController(tx);
  const [known, recognition] = await Promise.all([
    knownTo(tx, claims),
    recogniseErased(tx, keys, claims, (identifier) => ownersAt(identifier).length > 0),
    knowNewestEpoch(tx, keys),
  ]);
  const byObject = known.objects;
  const survivors = new Map<SubjectId, SubjectId>();
  const subjects = new Map<SubjectId, Subject>(known.subjects.map((subject) => [subject.id, subject]));
  const owners = ownersOf(known.identifiers);
  const changes: Changes = {
    created: [],
    merges: [],
    identifiers: [],
    sources: [],
    references: [],
    objects: [],
    candidates: [],
  };
  const linked = new Map<Claim, Linked>();
  const erased: Claim[] = [];
  const events: EventDraft[] = [];

  for (const given of claims) {
    const claim = recognition.living(given);
    if (claim === undefined) {
      erased.push(given);
      continue;
    }
    const subject = subjectOf(claim);
    if (subject === undefined) continue;
    addIdentifiers(claim, subject);
    linked.set(given, linkedTo(subject));
  }
  await saveChanges(tx, keys, changes);
  await recognition.save();
  // A merge later in the batch may have taken an earlier claim's subject with it.
  for (const [claim, { subjectId }] of linked) {
    const survivor = subjects.get(survivorOf(subjectId));
    if (survivor !== undefined) linked.set(claim, linkedTo(survivor));
  }
  const created = new Set(changes.created.map(({ id }) => id));
  const spread = new Set(changes.sources.map(({ subjectId }) => survivorOf(subjectId)));
  return {
    ...{ subjects: linked, events, merges: changes.merges, erased },
    spread: [...spread].filter((id) => !created.has(id)),
  };

  function subjectOf(claim: Claim): Subject | undefined {
    const found = [...new Set(claim.strong.flatMap((id) => ownersAt(id)))].flatMap(
      (id) => subjects.get(id) ?? [],
    );
    const [oldest, ...others] = found.sort((a, b) => a.order - b.order);
    if (oldest !== undefined) {
      for (const other of others) merge(claim, oldest, other);
      return oldest;
    }
    if (claim.strong.length === 0 && claim.weak.length === 0) {
      const owner = claim.objects
        .map((hash) => byObject.get(objectKey(claim, hash)))
        .find((id) => id !== undefined);
      return owner === undefined ? undefined : subjects.get(survivorOf(owner));
    }
    return create(claim);
  }

  function create(claim: Claim): Subject {
    const subject = createSubject(tx.controllerId, keys, SubjectId.parse(uuid()));
    subjects.set(subject.id, subject);
    changes.created.push(subject);
    events.push(
      event(claim, "subject.created", subject, { identifiers: claim.strong.length + claim.weak.length }),
    );
    return subject;
  }

  function merge(claim: Claim, survivor: Subject, merged: Subject): void {
    survivors.set(merged.id, survivor.id);
    changes.merges.push({ survivor: survivor.id, merged: merged.id, workflowId: claim.workflowId });
    events.push(event(claim, "subject.merged", survivor, { merged: hex(merged.auditReference) }));
  }

  function addIdentifiers(claim: Claim, subject: Subject): void {
    let added = 0;
    for (const identifier of [...claim.strong, ...claim.weak]) {
      const holders = owners.get(keyOf(identifier)) ?? [];
      const own = holders.find((holder) => survivorOf(holder.subjectId) === subject.id);
      if (own === undefined) {
        suggest(claim, subject, identifier, holders);
        const fresh = { ...identifier, subjectId: subject.id, connections: new Set<ConnectionId>() };
        owners.set(keyOf(identifier), [...holders, fresh]);
        changes.identifiers.push(fresh);
        changes.references.push(...referenceOf(claim, subject, identifier));
        addSource(claim, fresh);
        added += 1;
      } else addSource(claim, own);
    }
    for (const hash of claim.objects) {
      if (claim.connectionId === null || byObject.has(objectKey(claim, hash))) continue;
      byObject.set(objectKey(claim, hash), subject.id);
      changes.objects.push({ hash, subjectId: subject.id, connectionId: claim.connectionId });
    }
    if (added > 0 && !changes.created.includes(subject))
      events.push(event(claim, "subject.identified", subject, { identifiers: added }));
  }

  function addSource({ connectionId }: Claim, known: KnownIdentifier): void {
    if (connectionId === null || known.connections.has(connectionId)) return;
    known.connections.add(connectionId);
    changes.sources.push({ ...known, connectionId });
  }

  function suggest(
    claim: Claim,
    subject: Subject,
    { kind }: Identifier,
    holders: readonly KnownIdentifier[],
  ): void {
    if (kind !== "phone" && kind !== "email_folded") return;
    const others = new Set(holders.map((holder) => survivorOf(holder.subjectId)));
    for (const other of [...others].filter((id) => id !== subject.id).slice(0, MAX_CANDIDATES)) {
      changes.candidates.push({
        first: other,
        second: subject.id,
        reason: kind,
        workflowId: claim.workflowId,
      });
      events.push(event(claim, "subject.candidate", subject, { reason: kind }));
    }
  }

  function ownersAt(identifier: Identifier): SubjectId[] {
    return (owners.get(keyOf(identifier)) ?? []).map(({ subjectId }) => survivorOf(subjectId));
  }

  function survivorOf(id: SubjectId): SubjectId {
    const next = survivors.get(id) ?? known.mergedInto.get(id);
    return next === undefined ? id : survivorOf(next);
  }
}

function ownersOf(identifiers: readonly KnownIdentifier[]): Map<string, KnownIdentifier[]> {
  return Map.groupBy(identifiers, keyOf);
}

function event(
  claim: Claim,
  type: EventDraft["type"],
  subject: Subject,
  facts: NonNullable<EventDraft["facts"]>,
): EventDraft {
  return {
    workflow: claim.workflowId,
    type,
    entity: "subject",
    actor: "hub",
    subject: subject.auditReference,
    facts,
  };
}

const linkedTo = ({ id, auditReference, sealedKey, restriction }: Subject): Linked => ({
  subjectId: id,
  ...{ auditReference, sealedKey, restriction },
});

/** The platform's own id, to be sealed when it is first seen. */
function referenceOf(claim: Claim, subject: Subject, identifier: Identifier): Changes["references"] {
  const { connectionId } = claim;
  if (connectionId === null) return [];
  return claim.platformIds
    .filter(({ hash }) => identifier.kind === "platform_id" && hash === identifier.hash)
    .map(({ hash, value }) => ({ subject, connectionId, hash, value }));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
