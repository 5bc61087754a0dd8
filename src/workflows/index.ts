import type { Inngest, InngestFunction } from "inngest";
import type { LogOwner } from "#audit";
import type { Database, PolicyFault } from "#database";
import type { Connector } from "#kit";
import type { Mailer } from "#rights";
import type { ControllerId, Did, Personal } from "#schemas";
import type { KeyRing } from "#vault";
import { carryOutRightsTask } from "./carry-out-rights-task.ts";
import { checkIntegrity } from "./check-integrity.ts";
import { concludeRightsRequest } from "./conclude-rights-request.ts";
import { expire } from "./expire-deliveries.ts";
import { fulfilRightsRequest } from "./fulfil-rights-request.ts";
import { processAlone, processDelivery } from "./process-delivery.ts";
import { propagateConsent } from "./propagate-consent.ts";
import { pushConsent } from "./push-consent.ts";
import { receiveRightsRequest } from "./receive-rights-request.ts";
import { recover } from "./recover-deliveries.ts";
import { retireKeys } from "./retire-subject-keys.ts";
import { sweepRetention } from "./sweep-retention.ts";
import { tellOfRightsRequest } from "./tell-of-rights-request.ts";
import { watchRightsClock } from "./watch-rights-clock.ts";

export { checkNow } from "./check-integrity.ts";
export { announce } from "./outbox.ts";
export { announceChanges, announcePushes } from "./propagate-consent.ts";
export { recordSignals, type SignalledPerson } from "./record-signals.ts";
export * from "./rights-moves.ts";
export { sweepController } from "./sweep-retention.ts";

/** What the workflows call. They hold no rules of their own. */
export interface WorkflowRooms {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** How long a failed delivery can be replayed. */
  readonly replayDays: number;
  /** Milliseconds after which a platform that only took a change is asked what it holds, once for each. */
  readonly readBackAfter: readonly number[];
  readonly rights: RightsOptions;
  controllers(): Promise<readonly { id: ControllerId }[]>;
  /** Called after each commit with audit events, so that they are sealed soon. */
  committed(): void;
  /** What the hub knows beside its database's tables. */
  readonly outside: Outside;
  readonly log: Record<"warn" | "error", (fields: Record<string, unknown>, message: string) => void>;
}

export interface Outside {
  logs(): Promise<{ readonly hubDid: Did; readonly logs: readonly LogOwner[] }>;
  /** The hub's checkpoint that is held outside the database; undefined if there is none here. */
  witness(): Promise<string | undefined>;
  /** Undefined if this login may not ask. */
  policyFaults(): Promise<readonly PolicyFault[] | undefined>;
}

export interface RightsOptions {
  /** Undefined where no mail server is configured: then somebody has to verify and tell people in another way. */
  readonly mailer: Mailer | undefined;
  /** Whom reminders go to. */
  readonly privacyTeam: Personal | undefined;
  /** The hub's address, for the links in messages. */
  url(): string;
  /** Milliseconds after which a platform that was asked for an erasure is looked at, once for each. */
  readonly readBackAfter: readonly number[];
  /** Full calendar years for which books have to be kept. */
  readonly retentionYears: number;
  /** Days after which a backup of the database is gone. */
  readonly backupDays: number;
}

/** Every durable workflow, for one client. */
export function defineWorkflows(client: Inngest, rooms: WorkflowRooms): InngestFunction.Any[] {
  return [
    processDelivery(client, rooms),
    processAlone(client, rooms),
    propagateConsent(client, rooms),
    pushConsent(client, rooms),
    receiveRightsRequest(client, rooms),
    fulfilRightsRequest(client, rooms),
    carryOutRightsTask(client, rooms),
    concludeRightsRequest(client, rooms),
    tellOfRightsRequest(client, rooms),
    watchRightsClock(client, rooms),
    recover(client, rooms),
    expire(client, rooms),
    retireKeys(client, rooms),
    sweepRetention(client, rooms),
    checkIntegrity(client, rooms),
  ];
}
