import { z } from "zod";

/** UUIDs of different things, branded so that one cannot be passed for another. */
export const ControllerId = z.uuid().brand<"ControllerId", "inout">();
export type ControllerId = z.infer<typeof ControllerId>;

export const ConnectionId = z.uuid().brand<"ConnectionId", "inout">();
export type ConnectionId = z.infer<typeof ConnectionId>;

export const DeliveryId = z.uuid().brand<"DeliveryId", "inout">();
export type DeliveryId = z.infer<typeof DeliveryId>;

export const SubjectId = z.uuid().brand<"SubjectId", "inout">();
export type SubjectId = z.infer<typeof SubjectId>;

/** One attempt to bring a platform in step with a person's choice. */
export const PushId = z.uuid().brand<"PushId", "inout">();
export type PushId = z.infer<typeof PushId>;

export const RightsRequestId = z.uuid().brand<"RightsRequestId", "inout">();
export type RightsRequestId = z.infer<typeof RightsRequestId>;

/** What is to be done for a rights request at one platform, or by the hub itself. */
export const RightsTaskId = z.uuid().brand<"RightsTaskId", "inout">();
export type RightsTaskId = z.infer<typeof RightsTaskId>;

/** `did:lethe:<64 hex>`: SHA3-256 of a random UUID, never of anything personal. */
export const Did = z
  .string()
  .regex(/^did:lethe:[0-9a-f]{64}$/)
  .brand<"Did", "inout">();
export type Did = z.infer<typeof Did>;

/**
 * The hub itself, as the owner of what belongs to no controller: the log that takes every
 * controller's checkpoints, the runs of cron workflows, administrative events.
 */
export const HUB = ControllerId.parse("00000000-0000-0000-0000-000000000000");
