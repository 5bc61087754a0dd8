import { API_PATIENCE, missingCredentials, sdkFault, z } from "#kit";

export interface Credentials {
  readonly apiKey: string;
  readonly listId?: string | undefined;
}

/** What is called of the SDK: it has no types of its own, and those that there are know neither this client nor all options. */
interface Client {
  readonly lists: {
    getListMembersInfo(list: string, options: object): Promise<unknown>;
    getListMember(list: string, hash: string, options: object): Promise<unknown>;
    updateListMember(list: string, hash: string, body: object, options: object): Promise<unknown>;
  };
  setConfig(config: { apiKey: string; server: string }): void;
  /** Milliseconds until the whole answer must be there. */
  timeout: number;
  enableCookies: boolean;
  agent: { attachCookies(request: SuperagentRequest): void; saveCookies(): void };
}

interface SuperagentRequest {
  redirects(most: number): this;
  maxResponseSize(bytes: number): this;
  /** Ends the request. */
  callback(error: unknown, response: unknown): void;
}

/** More than a member with all its merge fields has. */
const MAX_ANSWER = 2 * 1024 * 1024;

/** One audience, through Mailchimp's SDK. */
export interface Audience {
  readonly id: string;
  readonly lists: Client["lists"];
}

/** The audience of a connection: its `account`, or what the credentials name. */
export async function openAudience(credentials: Credentials, account: string | null): Promise<Audience> {
  const { apiKey, listId } = credentials;
  const id = account ?? listId;
  const server = /-([a-z]+\d+)$/.exec(apiKey)?.[1];
  if (id === undefined) throw missingCredentials("listId");
  if (server === undefined) throw missingCredentials("apiKey");

  const { default: shared } = await import("@mailchimp/mailchimp_marketing");
  // The package gives out one client for the whole process. This is another of its kind, with a key of its own.
  const client = new (shared.constructor as new () => Client)();
  client.setConfig({ apiKey, server });
  client.timeout = API_PATIENCE;
  client.enableCookies = true;
  client.agent = { attachCookies: restrain, saveCookies: () => undefined };
  return { id, lists: client.lists };
}

/** Where the SDK would add cookies it hands out the request, which nothing else of it does. */
function restrain(request: SuperagentRequest): void {
  // A redirect would take the key elsewhere; and on a Node.js of today, the SDK's HTTP library ends the process over one.
  request.redirects(0).maxResponseSize(MAX_ANSWER);
  // It ends a request twice whose time is up in the middle of an answer, and complains about itself on the console.
  const { callback } = request;
  let ended = false;
  request.callback = (error, response) => {
    if (!ended) callback.call(request, error, response);
    ended = true;
  };
}

/** What the SDK throws for an answer that is not a 2xx: a problem document (RFC 9457), as its HTTP library read it. */
const Refusal = z.looseObject({
  status: z.int(),
  response: z.looseObject({
    headers: z.looseObject({ "retry-after": z.string().optional() }),
    body: z.looseObject({ title: z.string() }).optional().catch(undefined),
  }),
});

/** https://mailchimp.com/developer/marketing/docs/errors/ : `title` is one of a list, `detail` quotes the address. */
export function refusal(error: unknown): { status: number; title: string | undefined } | undefined {
  const known = Refusal.safeParse(error).data;
  return known && { status: known.status, title: known.response.body?.title };
}

export const fault = (error: unknown) =>
  sdkFault(error, () => {
    const known = Refusal.safeParse(error).data;
    return { status: known?.status, retryAfter: known?.response.headers["retry-after"] };
  });
