import { asBytea, type ControllerTransaction } from "#database";
import type { ConnectionId, DeliveryId, SightingView } from "#schemas";
import { type ControllerKeys, keyedHash } from "#vault";
import type { Claim, Identifier } from "./claim.ts";

/**
 * `own`: somebody was known by it when they were erased, or the erasure named it. `learnt`: a platform named it later, together
 * with what is their own.
 */
export type Tombstone = "own" | "learnt";

/**
 * What a tombstone is known by: a hash of the identifier's own hash. It follows from what an identifier leaves, so that
 * nobody's address is needed to make it, and equals nothing else that is stored.
 */
export function tombstoneOf(keys: ControllerKeys, { kind, scope, hash }: Identifier): Uint8Array {
  return keyedHash(keys.current("mac").key, "tombstone", kind, scope, hash);
}

export async function raiseTombstones(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  identifiers: readonly Identifier[],
  { learnt } = { learnt: false },
): Promise<void> {
  // A folded address comes with the address itself, and says nothing of its own.
  const lasting = identifiers.filter(({ kind }) => kind !== "email_folded");
  if (lasting.length === 0) return;
  await sql`insert into tombstone (controller_id, kind, scope, hash, learnt)
    select distinct ${controllerId}::uuid, *, ${learnt}::boolean from unnest(${lasting.map(({ kind }) => kind)}::text[], ${lasting.map(({ scope }) => scope)}::uuid[],
      ${asBytea(lasting.map((identifier) => tombstoneOf(keys, identifier)))}::bytea[])
    on conflict (controller_id, hash, kind, scope) do update
    set erased_on = current_date, learnt = tombstone.learnt and excluded.learnt`;
}

/** Whether there are any: most controllers have none, and then nothing has to be hashed for it. */
export async function hasTombstones({ sql, controllerId }: ControllerTransaction): Promise<boolean> {
  const [row] = await sql<{ some: boolean }[]>`
    select exists (select from tombstone where controller_id = ${controllerId}) as some`;
  return row?.some === true;
}

/** Which of the claims' identifiers have one, by {@link keyOf}. */
export async function findTombstones(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  claims: readonly Claim[],
): Promise<Map<string, Tombstone>> {
  const identifiers = claims.flatMap(({ strong, weak }) => [...strong, ...weak]);
  const hashes = new Map(identifiers.map((identifier) => [hex(tombstoneOf(keys, identifier)), identifier]));
  const rows = await sql<{ hash: Uint8Array; learnt: boolean }[]>`
    select t.hash, t.learnt from unnest(${asBytea([...hashes.keys()].map((hash) => Buffer.from(hash, "hex")))}::bytea[]) as wanted(hash)
    cross join lateral (select hash, learnt from tombstone where controller_id = ${controllerId} and hash = wanted.hash offset 0) as t`;
  return new Map(
    rows.flatMap(({ hash, learnt }) => {
      const identifier = hashes.get(hex(hash));
      return identifier === undefined ? [] : [[keyOf(identifier), learnt ? "learnt" : "own"] as const];
    }),
  );
}

/** Notes that a platform still speaks of somebody who was erased. */
export async function noteSightings(
  { sql, controllerId }: ControllerTransaction,
  sightings: readonly { deliveryId: DeliveryId; connectionId: ConnectionId | null }[],
): Promise<void> {
  if (sightings.length === 0) return;
  await sql`insert into erased_sighting (controller_id, delivery_id, connection_id)
    select ${controllerId}::uuid, * from unnest(${sightings.map(({ deliveryId }) => deliveryId)}::uuid[],
      ${sightings.map(({ connectionId }) => connectionId)}::uuid[]) on conflict do nothing`;
}

/** Which platforms spoke of people who were erased, newest first. */
export async function listSightings(
  { sql, controllerId }: ControllerTransaction,
  options: { limit: number },
): Promise<SightingView[]> {
  const rows = await sql<Omit<SightingView, "controller">[]>`
    select s.delivery_id as delivery, s.connection_id as connection, n.connector, s.seen_at as "seenAt" from erased_sighting s
    left join connection n on n.controller_id = s.controller_id and n.id = s.connection_id
    where s.controller_id = ${controllerId} order by s.seen_at desc, s.delivery_id limit ${options.limit}`;
  return rows.map((row) => ({
    ...row,
    controller: controllerId,
    seenAt: new Date(row.seenAt).toISOString(),
  }));
}

/** How many there were. */
export async function liftTombstones(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  identifiers: readonly Identifier[],
): Promise<number> {
  if (identifiers.length === 0) return 0;
  const hashes = identifiers.map((identifier) => tombstoneOf(keys, identifier));
  const { count } = await sql`delete from tombstone
    where controller_id = ${controllerId} and hash = any(${asBytea(hashes)}::bytea[])`;
  return count;
}

export const keyOf = ({ kind, scope, hash }: Identifier) => `${kind} ${scope} ${hex(hash)}`;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
