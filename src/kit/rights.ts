import { type DataCategory, type LawfulBasis, Personal } from "#schemas";
import type { CredentialStore } from "./api/index.ts";
import type { KnownPerson } from "./consent.ts";

/**
 * What a platform's API can do for a person who exercises a right. What it cannot is left out, and then left to somebody,
 * who is told so: nothing is reported as done that a platform did not do.
 */
export interface RightsSection {
  /** What it can do through the API; the record, for people, of what {@link PersonEntry} has methods for. */
  readonly can: readonly RightsCapability[];
  /**
   * To ask for an erasure twice is the same as once. Otherwise it is never asked for again of an entry that it may have been
   * asked for: after a crash in between it is only read back.
   */
  readonly repeatable?: boolean;
  /**
   * The API with a connection's credentials. What it loads (an SDK) is loaded here, not with the connector. `store` is
   * where the credentials are kept, for an API whose tokens have to be renewed (`openApi`). It asks the platform for nothing
   * yet: new credentials are tried with it, for what they lack (`missingCredentials`).
   */
  readonly open: (credentials: never, account: string | null, store: CredentialStore) => Promise<RightsApi>;
}

export type RightsCapability = "access" | "erasure" | "rectification";

/**
 * Every call throws `platform/*` (see `platformFault`) and takes ten seconds at most for a request; none is repeated by the
 * SDK, because the workflow does that, durably.
 */
export interface RightsApi {
  /**
   * All that the platform has of the person, by everything that is known of them: one entry for each customer, contact or
   * profile that is theirs. Empty when it knows nobody by any of that. Who is known by a phone alone may be somebody else
   * and is no entry.
   */
  find(person: KnownPerson): Promise<readonly PersonEntry[]>;
  /** What became of an erasure that was asked for: looked up anew, by the entry's id and what `erase` answered (null if that was lost). */
  erased?(asked: { readonly id: Personal; readonly receipt: string | null }): Promise<ErasureState>;
}

/** One customer, contact or profile of the person there. */
export interface PersonEntry {
  /** The platform's own, by which `erased` looks it up again. */
  readonly id: Personal;
  /** Everything that the API gives of it, whole: it pages until the end, or says where it stopped. */
  collect?(): Promise<readonly CollectedSet[]>;
  /** Asks for its erasure: one destructive request, or as few as it takes. */
  erase?(): Promise<ErasureAnswer>;
  /** Sets what was wrong. Fields that the API cannot set are named, and left alone. */
  rectify?(corrections: Corrections): Promise<RectificationAnswer>;
}

/** Records of one sort, such as orders: open in memory, within one step. */
export interface CollectedSet {
  /** In the platform's own words, such as `orders`. */
  readonly title: string;
  readonly categories: readonly DataCategory[];
  /** A JSON array: the records as the API gives them, without what is the company's and not about the person. */
  readonly records: Personal;
  /** How many. */
  readonly count: number;
  /** There are more than were collected: the limit was reached. */
  readonly incomplete?: true;
}

/** A set of records as an API gave them. Values that JavaScript would round (ids beyond 2^53) must come as strings. */
export function collected(
  title: string,
  categories: readonly DataCategory[],
  records: readonly unknown[],
  options: { incomplete?: boolean } = {},
): CollectedSet {
  return {
    ...{ title, categories, count: records.length, records: new Personal(JSON.stringify(records)) },
    ...(options.incomplete === true && { incomplete: true }),
  };
}

/** The platform took the request. What came of it is always read back. */
export interface ErasureAnswer {
  /** The platform's number of it, where it gives one: no personal data, at most 200 characters. */
  readonly receipt?: string;
}

/** What the platform still has. `retained`: what it, or the law, keeps of it, though the rest is gone. */
export type ErasureState =
  | { readonly state: "gone"; readonly retained?: Retention }
  /** It is being carried out, or put off by the platform's own rule. */
  | { readonly state: "pending"; readonly retained?: Retention }
  /** Unchanged: nothing shows that it was asked for. */
  | { readonly state: "there" }
  /** The platform refused it, or gave up. */
  | { readonly state: "refused" }
  /** Nothing there tells. */
  | { readonly state: "unknown" };

export interface Retention {
  readonly basis: LawfulBasis;
  readonly categories: readonly DataCategory[];
  /** When the platform lets go of it, where it says so. ISO 8601 in UTC. */
  readonly until?: string;
  /** When the latest of what is kept was made, from which a period by law counts. ISO 8601 in UTC. */
  readonly lastRecordAt?: string;
}

/** Personal data, as it should be. */
export interface Corrections {
  readonly email?: Personal;
  /** E.164. */
  readonly phone?: Personal;
  readonly givenName?: Personal;
  readonly familyName?: Personal;
  readonly address?: CorrectedAddress;
}

export interface CorrectedAddress {
  readonly line1: Personal;
  readonly line2?: Personal;
  readonly city: Personal;
  readonly postalCode?: Personal;
  /** A state or province, as its country writes it. */
  readonly region?: Personal;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

export type CorrectedField = keyof Corrections;

export interface RectificationAnswer {
  /** The API answered with the new value. */
  readonly held: readonly CorrectedField[];
  /** The API took it, and has to be asked what it holds: `find` and `rectify` again show it as `held`. */
  readonly accepted: readonly CorrectedField[];
  readonly unsupported: readonly CorrectedField[];
}
