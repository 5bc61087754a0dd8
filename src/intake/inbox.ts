import { asBytea, type Database } from "#database";
import type { ConnectionId, ControllerId, DeliveryId, Sealed } from "#schemas";
import { onBehalfOf } from "#telemetry";
import type { StoredRequest } from "./sealed-request.ts";

/** A verified, sealed delivery on its way into the inbox. */
export interface NewDelivery {
  readonly id: DeliveryId;
  readonly connectionId: ConnectionId;
  readonly connector: string;
  readonly topic: string | null;
  readonly dedupe: Uint8Array;
  readonly sealed: Sealed<StoredRequest>;
}

export interface Inbox {
  /** Resolves once the delivery is committed (or was before): only then may it be acknowledged. */
  store(controllerId: ControllerId, delivery: NewDelivery): Promise<"accepted" | "duplicate">;
}

/** Most deliveries in one statement. More would make the first of them wait for the last. */
const MAX_BATCH = 128;

/** Most sealed bytes in one statement, unless one delivery alone has more: a statement must be over within seconds. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Batches of one controller under way at a time: one is committing while the next is being built. */
const MAX_FLUSHES = 2;

interface Waiting {
  readonly delivery: NewDelivery;
  readonly resolve: (outcome: "accepted" | "duplicate") => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: a lone delivery is written at once; those that come while one is being written share the next
 * statement and its fsync. Inbox, payload and outbox are one statement, so they commit together or not at all.
 */
export function openInbox(database: Database, options: { stored: () => void }): Inbox {
  const queues = new Map<ControllerId, { waiting: Waiting[]; flushing: number }>();

  return {
    store(controllerId, delivery) {
      const { promise, resolve, reject } = Promise.withResolvers<"accepted" | "duplicate">();
      const queue = queues.get(controllerId) ?? { waiting: [], flushing: 0 };
      queues.set(controllerId, queue);
      queue.waiting.push({ delivery, resolve, reject });
      if (queue.flushing < MAX_FLUSHES) void flush(controllerId);
      return promise;
    },
  };

  async function flush(controllerId: ControllerId): Promise<void> {
    const queue = queues.get(controllerId);
    if (queue === undefined) return;
    queue.flushing += 1;
    while (queue.waiting.length > 0) {
      const batch = nextBatch(queue.waiting);
      try {
        const deliveries = batch.map(({ delivery }) => delivery);
        const accepted = await onBehalfOf(
          () => deliveries.map(({ id }) => id),
          "commit",
          () => write(controllerId, deliveries),
        );
        for (const { delivery, resolve } of batch)
          resolve(accepted.has(delivery.id) ? "accepted" : "duplicate");
        options.stored();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    queue.flushing -= 1;
    if (queue.flushing === 0 && queue.waiting.length === 0) queues.delete(controllerId);
  }

  function write(controllerId: ControllerId, batch: readonly NewDelivery[]): Promise<Set<DeliveryId>> {
    const column = <K extends keyof NewDelivery>(key: K): NewDelivery[K][] =>
      batch.map((delivery) => delivery[key]);
    // The sealed bytes of all, one after the other: as an array, each would be copied and read character by character.
    const bytes = Buffer.concat(column("sealed"));
    const lengths = batch.map(({ sealed }) => sealed.length);
    const ends = runningTotals(lengths);
    return database.inController(
      controllerId,
      async ({ sql }) => {
        const rows = await sql<{ id: DeliveryId }[]>`
          with given as (
            select * from unnest(${column("id")}::uuid[], ${column("connectionId")}::uuid[], ${column("connector")}::text[],
              ${column("topic")}::text[], ${asBytea(column("dedupe"))}::bytea[], ${ends}::int[], ${lengths}::int[]
            ) as t(id, connection_id, connector, topic, dedupe, ends, length)
          ), stored as (
            insert into delivery (controller_id, id, connection_id, connector, topic, dedupe)
            select ${controllerId}::uuid, id, connection_id, connector, topic, dedupe from given
            -- Two batches that hold the same deliveries wait for each other's rows: in one order, they cannot deadlock.
            order by connection_id, dedupe, id
            on conflict do nothing returning id
          ), payloads as (
            insert into delivery_payload (controller_id, delivery_id, sealed)
            select ${controllerId}::uuid, id, substring((select decode(${bytes.toString("base64")}::text, 'base64')) from given.ends - given.length + 1 for given.length)
            from given join stored using (id)
          ), announced as (
            insert into runtime_event (controller_id, id, name, data)
            select ${controllerId}::uuid, id::text, 'delivery/received', jsonb_build_object('controllerId', ${controllerId}::text, 'deliveryId', id)
            from stored order by id -- as they arrived
          )
          select id from stored`;
        return new Set(rows.map(({ id }) => id));
      },
      { as: "lethe_intake" },
    );
  }
}

function runningTotals(numbers: readonly number[]): number[] {
  let total = 0;
  return numbers.map((number) => {
    total += number;
    return total;
  });
}

function nextBatch(waiting: Waiting[]): Waiting[] {
  let size = 0;
  let bytes = 0;
  for (const { delivery } of waiting) {
    bytes += delivery.sealed.length;
    if (size === MAX_BATCH || (size > 0 && bytes > MAX_BYTES)) break;
    size += 1;
  }
  return waiting.splice(0, size);
}
