import type { DataPrivacyApi, EventsApi, ProfilesApi, Session } from "klaviyo-api";
import { z } from "zod";
import { API_PATIENCE, parseBody, sdkFault } from "#kit";

export const credentials = z.strictObject({ privateKey: z.string().startsWith("pk_") });
export type Credentials = z.output<typeof credentials>;

/** One method of the SDK. What it made of the answer is not used: it takes times without a zone for local ones. */
type Ask = (
  profiles: ProfilesApi,
  others: Others,
) => Promise<{ readonly response: { readonly data: unknown } }>;

interface Others {
  readonly events: EventsApi;
  readonly privacy: DataPrivacyApi;
}

/** Requests that are allowed `API_PATIENCE` all together. Each throws `platform/*`. */
export interface Klaviyo {
  /** The answer; undefined if there is nothing (404). */
  read(ask: Ask): Promise<unknown>;
  write(ask: Ask): Promise<void>;
}

/**
 * Klaviyo's SDK with one connection's key. It would wait for an answer for ever, repeat a request by itself, and follow a
 * redirect with the key in hand: a session of our own keeps it from all three. (A session is also what it knows a key by
 * without sharing it: `GlobalApiKeySettings` would be the same for all connections.)
 */
export async function openKlaviyo({ privateKey }: Credentials): Promise<() => Klaviyo> {
  const sdk = await import("klaviyo-api");
  const { ApiKeySession, DataPrivacyApi, EventsApi, ProfilesApi, RetryWithExponentialBackoff } = sdk;
  const session = new ApiKeySession(privateKey, new RetryWithExponentialBackoff({ numRetries: 0 }));
  return () => {
    const signal = AbortSignal.timeout(API_PATIENCE);
    const bounded: Session = {
      applyToRequest: (config) => session.applyToRequest(config),
      requestWithRetry: (config) =>
        session.requestWithRetry({ ...config, signal, maxRedirects: 0, transformResponse: [exactly] }),
      refreshAndRetry: () => false,
    };
    const profiles = new ProfilesApi(bounded);
    const others = { events: new EventsApi(bounded), privacy: new DataPrivacyApi(bounded) };
    return {
      async read(ask) {
        try {
          return (await ask(profiles, others)).response.data;
        } catch (error) {
          if (about(error).status === 404) return undefined;
          throw sdkFault(error, about);
        }
      },
      async write(ask) {
        try {
          await ask(profiles, others);
        } catch (error) {
          throw sdkFault(error, about);
        }
      },
    };
  };
}

/** Events hold whatever the company put into them, numbers that JavaScript would round among it. What is no JSON stays text. */
function exactly(text: unknown): unknown {
  if (typeof text !== "string" || text === "") return text;
  try {
    return parseBody("json", Buffer.from(text));
  } catch {
    return text;
  }
}

/** The SDK throws what axios does: an error with the whole request and answer in it. */
const Refused = z.object({
  response: z.object({ status: z.number(), headers: z.object({ "retry-after": z.string().optional() }) }),
});

function about(error: unknown) {
  const response = Refused.safeParse(error).data?.response;
  return { status: response?.status, retryAfter: response?.headers["retry-after"] };
}
