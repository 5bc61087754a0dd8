import { z } from "zod";
import { ConnectionId, ControllerId, DeliveryId, PushId, SubjectId } from "./ids.ts";
import { Purpose, RightsKind } from "./vocabulary.ts";

/**
 * Workflow events. Claim check: ids and enums only, because runtimes keep them in the clear.
 * The schemas are strict so that nothing else can ride along.
 */
export const events = {
  "delivery/received": z
    .strictObject({ controllerId: ControllerId, deliveryId: DeliveryId })
    .describe("A delivery is committed in the inbox."),
  "delivery/set-apart": z
    .strictObject({ controllerId: ControllerId, deliveryId: DeliveryId })
    .describe(
      "A delivery that goes on alone: it failed for a passing reason, or its platform has to be asked for what it points to.",
    ),
  "consent/changed": z
    .strictObject({
      controllerId: ControllerId,
      subjectId: SubjectId,
      purpose: Purpose,
      /** Of versions before 0003, whose events may still wait. */
      deliveryId: DeliveryId.optional(),
    })
    .describe("What a subject chose for a purpose changed, or a platform was seen to differ from it."),
  "consent/push": z
    .strictObject({
      controllerId: ControllerId,
      connectionId: ConnectionId,
      pushId: PushId,
      round: z.int().nonnegative(),
    })
    .describe("A platform is to be brought in step with a subject's choice."),
  "rights/requested": z
    .strictObject({
      controllerId: ControllerId,
      requestId: z.uuid(),
      kind: RightsKind,
      connectionId: ConnectionId,
    })
    .describe("A rights request was recorded and is to be fulfilled."),
} as const;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.infer<(typeof events)[N]>;
