import type { ConnectionId, DeliveryId, DeliveryStatus } from "#schemas";
import { pg, sql } from "../drizzle.ts";
import { appRole, bytea, controllerId, deletable, instant, intakeRole, isolation, lethe } from "./shared.ts";

/** The inbox: one verified webhook request a row. Metadata only; the request itself is in `delivery_payload`. */
export const delivery = lethe.table(
  "delivery",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<DeliveryId>().notNull(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    connector: pg.text("connector").notNull(),
    topic: pg.text("topic"),
    /** Keyed MAC of what the platform identifies the delivery by (16 bytes): the idempotency key. */
    dedupe: bytea("dedupe").notNull(),
    /** Keyed MAC of the body, made when it is processed: what stays of it after shredding. */
    bodyMac: bytea("body_mac"),
    status: pg.text("status").$type<DeliveryStatus>().notNull().default("received"),
    attempts: pg.integer("attempts").notNull().default(0),
    errorCode: pg.text("error_code"),
    errorMessage: pg.text("error_message"),
    receivedAt: instant("received_at").notNull().defaultNow(),
    processedAt: instant("processed_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.uniqueIndex("delivery_once").on(t.controllerId, t.connectionId, t.dedupe),
    pg
      .index("delivery_unsettled")
      .on(t.controllerId, t.status, t.id)
      .where(sql`status in ('received', 'failed')`),
    isolation(appRole),
    isolation(intakeRole),
    // What was acknowledged and never had its effects must not go, whatever asks for it.
    deletable("status in ('processed', 'ignored', 'expired')"),
  ],
);

/** Events of requests that carry several: each has its effects once, however often and in whichever request it comes. */
export const deliveryEvent = lethe.table(
  "delivery_event",
  {
    controllerId: controllerId(),
    connectionId: pg.uuid("connection_id").$type<ConnectionId>().notNull(),
    /** Keyed MAC of what the platform identifies the event by (16 bytes). */
    dedupe: bytea("dedupe").notNull(),
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.connectionId, t.dedupe] }),
    pg.index("delivery_event_delivery").on(t.controllerId, t.deliveryId),
    isolation(appRole),
  ],
);

/** Sealed requests, until processed, or until the replay window of a failed one ends. Deleting the row shreds its data key. */
export const deliveryPayload = lethe.table(
  "delivery_payload",
  {
    controllerId: controllerId(),
    deliveryId: pg.uuid("delivery_id").$type<DeliveryId>().notNull(),
    sealed: bytea("sealed").notNull(),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.deliveryId] }),
    isolation(appRole),
    isolation(intakeRole),
  ],
);
