import type { APIClient, IdentifierType, TrackClient } from "customerio-node";
import { z } from "zod";
import { API_PATIENCE, missingCredentials, platformFault, sdkFault } from "#kit";

/** The App API reads, the Track API writes; a connection without the latter's can do neither with consent. */
export const credentials = z.object({
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
    // A client lasts for one request: what the SDK calls a timeout is one for each.
    const options = () => ({ region, timeout: Math.max(end - Date.now(), 1), retry: { maxRetries: 0 } });
    return {
      async read(ask) {
        try {
          return await ask(staying(new APIClient(appApiKey, options())), IdentifierType);
        } catch (error) {
          if (about(error).status === 404) return undefined;
          throw sdkFault(error, about);
        }
      },
      async write(ask) {
        try {
          await ask(staying(new TrackClient(siteId, trackApiKey, options())));
        } catch (error) {
          throw sdkFault(error, about);
        }
      },
    };
  };
}

/**
 * The SDK follows a redirect to wherever it points, again and again, with the address and the body that name the person;
 * within Customer.io with the keys, too. It does so by executing a second request, which is refused here. (Which of the
 * redirects it was it does not tell.)
 */
function staying<Client extends APIClient | TrackClient>(client: Client): Client {
  const { request } = client;
  const execute: (options: unknown) => Promise<unknown> = request["execute"].bind(request);
  let executed = false;
  request["execute"] = async (options: unknown) => {
    if (executed) throw platformFault(302);
    executed = true;
    return execute(options);
  };
  return client;
}

const Refused = z.object({
  statusCode: z.number(),
  response: z.object({ headers: z.object({ "retry-after": z.string().optional() }) }),
});

function about(error: unknown) {
  const refused = Refused.safeParse(error).data;
  return { status: refused?.statusCode, retryAfter: refused?.response.headers["retry-after"] };
}
