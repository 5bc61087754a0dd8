import type { APIClient, IdentifierType, TrackClient } from "customerio-node";
import { z } from "zod";
import { API_PATIENCE, missingCredentials, parseBody, platformFault, sdkFault } from "#kit";

/** The App API reads, the Track API writes; a connection without the latter's can do neither with consent. */
export const credentials = z.strictObject({
  appApiKey: z.string().min(1),
  region: z.enum(["us", "eu"]),
  siteId: z.string().min(1).optional(),
  trackApiKey: z.string().min(1).optional(),
});
export type Credentials = z.output<typeof credentials>;

/** Requests that are allowed `API_PATIENCE` all together. Each throws `platform/*`. */
export interface CustomerIo {
  /** The answer; undefined if there is nothing (404). */
  read(ask: (app: APIClient, by: typeof IdentifierType) => Promise<unknown>): Promise<unknown>;
  write(ask: (track: TrackClient) => Promise<unknown>): Promise<void>;
}

/** Customer.io's SDK with one connection's keys. Throws `platform/no-credentials`. */
export async function openCustomerIo(given: Credentials): Promise<() => CustomerIo> {
  const { appApiKey, siteId, trackApiKey } = given;
  if (siteId === undefined) throw missingCredentials("siteId");
  if (trackApiKey === undefined) throw missingCredentials("trackApiKey");
  const sdk = await import("customerio-node");
  const { APIClient, IdentifierType, RegionEU, RegionUS, TrackClient } = sdk;
  const region = given.region === "eu" ? RegionEU : RegionUS;
  return () => {
    const end = Date.now() + API_PATIENCE;
    const left = () => Math.max(end - Date.now(), 1);
    const options = { region, retry: { maxRetries: 0 } };
    return {
      async read(ask) {
        try {
          return await ask(staying(new APIClient(appApiKey, options), left), IdentifierType);
        } catch (error) {
          if (about(error).status === 404) return undefined;
          throw sdkFault(error, about);
        }
      },
      async write(ask) {
        try {
          await ask(staying(new TrackClient(siteId, trackApiKey, options), left));
        } catch (error) {
          throw sdkFault(error, about);
        }
      },
    };
  };
}

/**
 * What the SDK asks for is sent here. By itself it follows a redirect to wherever it points, again and again, with the
 * address and the body that name the person; within Customer.io with the keys, too. And it rounds numbers that are larger
 * than what a JavaScript number holds, which events can have. `left`: milliseconds that remain.
 */
function staying<Client extends APIClient | TrackClient>(client: Client, left: () => number): Client {
  client.request["execute"] = async ({ uri, method, headers, body }: Sent) => {
    const signal = AbortSignal.timeout(left());
    const response = await fetch(uri, { method, headers, body, redirect: "manual", signal });
    const { status } = response;
    if (status >= 300 && status < 400) throw platformFault(status);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (!response.ok) throw refused(status, response.headers.get("retry-after") ?? undefined);
    try {
      return bytes.length === 0 ? {} : parseBody("json", bytes);
    } catch {
      throw new Error("not JSON"); // a page of something in between, which may pass
    }
  };
  return client;
}

interface Sent {
  readonly uri: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

const refused = (statusCode: number, retryAfter: string | undefined) =>
  Object.assign(new Error("refused"), { statusCode, response: { headers: { "retry-after": retryAfter } } });

const Refused = z.object({
  statusCode: z.number(),
  response: z.object({ headers: z.object({ "retry-after": z.string().optional() }) }),
});

function about(error: unknown) {
  const refused = Refused.safeParse(error).data;
  return { status: refused?.statusCode, retryAfter: refused?.response.headers["retry-after"] };
}
