import type { CollectedSet } from "#kit";
import type {
  ActivityView,
  ConnectionId,
  ConsentHistoryView,
  PurposeView,
  RightsKind,
  RightsRequestView,
  SubjectView,
} from "#schemas";
import type { PlatformOutcome } from "../in-words.ts";

/** Everything that goes into a bundle: open in memory, within one step. */
export interface BundleFacts {
  readonly request: {
    readonly id: string;
    readonly kind: Extract<RightsKind, "access" | "portability">;
    /** ISO 8601. */
    readonly receivedAt: string;
  };
  readonly controller: {
    readonly name: string;
    /** IANA, such as `Europe/Berlin`: times in the report are written in it. */
    readonly timeZone: string;
    /** What the law wants said and the hub does not know: whole sentences, by the controller. */
    readonly statements?: Statements;
  };
  readonly hub: HubKnowledge;
  readonly platforms: readonly PlatformPart[];
  /** Of {@link passphraseOf}: it opens the bundle as it is written, with its hyphens. */
  readonly passphrase: string;
  /** ISO 8601. */
  readonly issuedAt: string;
  /** Bytes that the bundle may have unpacked. */
  readonly maxBytes?: number;
}

/** GDPR Art. 15(1)(d), (f), (h) and 15(2). */
export interface Statements {
  readonly retention?: string;
  readonly complaint?: string;
  readonly automatedDecisions?: string;
  readonly transfers?: string;
  /** Where to write to. */
  readonly contact?: string;
}

/** What the hub's own records say of the person, as its commands show it. */
export interface HubKnowledge {
  /** Null when the hub knows nobody by what was given. */
  readonly subject: SubjectView | null;
  /** Every connection that is mentioned, and what people know its platform as. */
  readonly connections: readonly { readonly id: ConnectionId; readonly name: string }[];
  readonly activities: readonly ActivityView[];
  readonly consents: readonly ConsentHistoryView[];
  /** Those that are mentioned, for their titles. */
  readonly purposes: readonly Pick<PurposeView, "id" | "title">[];
  /** Earlier ones, and this one. */
  readonly requests: readonly Pick<RightsRequestView, "id" | "kind" | "status" | "receivedAt">[];
}

/** What one platform gave, or why it gave nothing. */
export interface PlatformPart extends PlatformOutcome {
  readonly connectionId: ConnectionId;
  readonly sets: readonly CollectedSet[];
}
