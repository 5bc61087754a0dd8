import type { Inngest, InngestFunction } from "inngest";
import type { Database } from "#database";
import type { Connector } from "#kit";
import type { ControllerId } from "#schemas";
import type { KeyRing } from "#vault";
import { expire } from "./expire-deliveries.ts";
import { processAlone, processDelivery } from "./process-delivery.ts";
import { propagateConsent } from "./propagate-consent.ts";
import { pushConsent } from "./push-consent.ts";
import { recover } from "./recover-deliveries.ts";

export { announce } from "./outbox.ts";
export { announceChanges, announcePushes } from "./propagate-consent.ts";
export { recordSignals, type SignalledPerson } from "./record-signals.ts";

/** What the workflows call. They hold no rules of their own. */
export interface WorkflowRooms {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** How long a failed delivery can be replayed. */
  readonly replayDays: number;
  /** Milliseconds after which a platform that only took a change is asked what it holds, once for each. */
  readonly readBackAfter: readonly number[];
  controllers(): Promise<readonly { id: ControllerId }[]>;
  /** Called after each commit with audit events, so that they are sealed soon. */
  committed(): void;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
}

/** Every durable workflow, for one client. */
export function defineWorkflows(client: Inngest, rooms: WorkflowRooms): InngestFunction.Any[] {
  return [
    processDelivery(client, rooms),
    processAlone(client, rooms),
    propagateConsent(client, rooms),
    pushConsent(client, rooms),
    recover(client, rooms),
    expire(client, rooms),
  ];
}
