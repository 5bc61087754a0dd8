import type { ConsentPurpose, ConsentState, Personal } from "#schemas";

/** How a platform's API holds people's consent, and how it is changed there. */
export interface ConsentSection {
  /** The purposes that it can hold. */
  readonly purposes: readonly ConsentPurpose[];
  /** How many ids of its own the platform gives one person; 1 unless it says otherwise. */
  readonly ids?: number;
  /** What the keys of the company's own lists there look like, where a connection may tie one to a purpose. */
  readonly lists?: RegExp;
  /**
   * The API with a connection's credentials. What it loads (an SDK) is loaded here, not with the connector. It asks the
   * platform for nothing yet: new credentials are tried with it, for what they lack (`missingCredentials`).
   */
  readonly open: (credentials: never, account: string | null) => Promise<ConsentApi>;
}

/**
 * Every call throws `platform/*` (see `platformFault`) and takes ten seconds at most; none is repeated by the SDK,
 * because the workflow does that, durably.
 */
export interface ConsentApi {
  /** The person as the platform holds them now; undefined when it knows nobody by any of that. */
  find(person: KnownPerson): Promise<PersonThere | undefined>;
}

/** All that is known of how a platform knows a person: open in memory, within one step. Any list may be empty. */
export interface KnownPerson {
  readonly platformIds: readonly Personal[];
  readonly emails: readonly Personal[];
  readonly phones: readonly Personal[];
}

export interface PersonThere {
  /** What was held when the person was found; undefined where there is nothing to hold it for (no phone, so no SMS). */
  held(target: ConsentTarget): HeldConsent | undefined;
  set(target: ConsentTarget, change: ConsentWish): Promise<ConsentAnswer>;
  /** Other purposes that the platform changes along with it, whether one wants that or not: its reports of those are echoes, too. */
  covers?(target: ConsentTarget, change: ConsentWish): readonly ConsentPurpose[];
}

/** What a choice is about there: one of the purposes, or one of the company's own lists. */
export type ConsentTarget =
  | { readonly purpose: ConsentPurpose; readonly list?: undefined }
  | { readonly list: string; readonly purpose?: undefined };

export interface ConsentWish {
  readonly state: "granted" | "withdrawn";
  /** When the person chose so. ISO 8601 in UTC. */
  readonly occurredAt: string;
  /** The person confirmed by a message to the address (double opt-in). */
  readonly confirmed: boolean;
}

export interface HeldConsent {
  readonly state: ConsentState;
  /** Since when, where the platform tells. ISO 8601 in UTC. */
  readonly since?: string | undefined;
  /** Why nobody is written to there whatever they choose: a grant does not lift it. */
  readonly blocked?: "bounced" | "complained" | "suppressed" | undefined;
}

/**
 * `held`: the API answered with what it holds now. `accepted`: it only took the change, so that it has to be read back.
 * `confirmation_needed`: it lets nobody but the person themselves do that.
 */
export type ConsentAnswer =
  | { readonly answer: "held"; readonly held: HeldConsent | undefined }
  | { readonly answer: "accepted" }
  | { readonly answer: "confirmation_needed" };
