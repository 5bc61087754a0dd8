import type { ConsentPurpose, ConsentState } from "#schemas";

/** A platform's API as its documentation tells it, with people in it. */
export interface SimulatedApi {
  readonly connector: string;
  /** For a connection to it. */
  readonly account: string | undefined;
  readonly credentials: unknown;
  /** Whether a host is one of its API's. */
  serves(host: string): boolean;
  /** Answers a request to its API, and remembers it. */
  handle(request: Request): Promise<Response>;
  /** The requests that reached it, in order. */
  readonly requests: SimulatedRequest[];
  /** From now on every request fails so; without a fault, it answers again. */
  fail(fault?: Fault): void;
  /** Somebody becomes known there; nothing is sent. Resolves to the platform's id of them, as its webhooks carry it. */
  add(person: {
    email: string;
    phone?: string;
    held?: Partial<Record<ConsentPurpose, ConsentState>>;
  }): string;
  /** Whether it still has anything of them by which they can be known. */
  has(id: string): boolean;
  /** An erasure that was accepted and takes its time is carried out now, where the platform does that later. */
  finish?(): void;
}

/** One that holds people's consent, too, and sends webhooks when it changes. */
export interface SimulatedPlatform extends SimulatedApi {
  /** What it holds of them now. */
  state(id: string, purpose: ConsentPurpose): ConsentState | undefined;
  /** The person chooses there themselves, by a form or an unsubscribe link. */
  choose(id: string, purpose: ConsentPurpose, state: "granted" | "withdrawn"): void;
  /** Webhooks that wait to be sent, oldest first: what people chose, and what the API changed. To be taken out by the test, and signed. */
  readonly outbox: SimulatedWebhook[];
}

export interface SimulatedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SimulatedWebhook {
  /** As a fixture of the connector has them, without what a signature adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `cut`: the connection breaks without an answer. */
export type Fault = { readonly status: number; readonly retryAfter?: string } | "cut";
