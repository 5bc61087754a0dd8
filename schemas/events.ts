import { z } from "zod";
import {
  ConnectionId,
  ControllerId,
  DeliveryId,
  PushId,
  RightsRequestId,
  RightsTaskId,
  SubjectId,
} from "./ids.ts";
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
      requestId: RightsRequestId,
      /** Of versions before 0004, whose events may still wait. */
      kind: RightsKind.optional(),
      connectionId: ConnectionId.optional(),
    })
    .describe("A rights request was recorded."),
  "rights/approved": z
    .strictObject({ controllerId: ControllerId, requestId: RightsRequestId })
    .describe("A rights request is to be fulfilled."),
  "rights/task": z
    .strictObject({
      controllerId: ControllerId,
      connectionId: ConnectionId,
      taskId: RightsTaskId,
      round: z.int().nonnegative(),
    })
    .describe("A rights request is to be carried out at one platform."),
  "rights/settled": z
    .strictObject({ controllerId: ControllerId, requestId: RightsRequestId })
    .describe("No platform is left at which a rights request waits."),
  "rights/notice": z
    .strictObject({ controllerId: ControllerId, requestId: RightsRequestId, noticeId: z.uuid() })
    .describe("Somebody is to be told of a rights request by e-mail."),
  "rights/clock": z
    .strictObject({
      controllerId: ControllerId,
      requestId: RightsRequestId,
      round: z.int().nonnegative(),
    })
    .describe("A rights request has a deadline, or has another one now."),
  "processing/resumed": z
    .strictObject({})
    .describe("The kill switch was let go: runs that wait for that on a workflow server go on."),
} as const;

export type EventName = keyof typeof events;
export type EventData<N extends EventName> = z.infer<(typeof events)[N]>;
