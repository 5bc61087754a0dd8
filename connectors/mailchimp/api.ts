import { API_PATIENCE, missingCredentials, parseBody, sdkFault, z } from "#kit";

/** Strict, so that an audience under another name than `listId` is not silently left out. */
export const credentials = z.strictObject({
  apiKey: z.string().regex(/-[a-z]+\d+$/, "an API key that ends in its data centre, such as …-us21"),
  /** The audience, for a connection that was made without an account. */
  listId: z.string().min(1).optional(),
});
export type Credentials = z.output<typeof credentials>;

/** What is called of the SDK: it has no types of its own, and those that there are know neither this client nor all options. */
interface Client {
  readonly lists: {
    getList(list: string, options: object): Promise<unknown>;
    getListMembersInfo(list: string, options: object): Promise<unknown>;
    getListMember: OfMember;
    getListMemberTags: OfMember;
    getListMemberActivityFeed: OfMember;
    getListMemberEvents: OfMember;
    getListMemberNotes: OfMember;
    getListMemberGoals: OfMember;
    updateListMember(list: string, hash: string, body: object, options: object): Promise<unknown>;
    deleteListMemberPermanent(list: string, hash: string): Promise<unknown>;
  };
  setConfig(config: { apiKey: string; server: string }): void;
  /** Milliseconds until the whole answer must be there. */
  timeout: number;
  enableCookies: boolean;
  agent: { attachCookies(request: SuperagentRequest): void; saveCookies(): void };
}

type OfMember = (list: string, hash: string, options: object) => Promise<unknown>;

interface SuperagentRequest {
  redirects(most: number): this;
  maxResponseSize(bytes: number): this;
  parse(how: (response: SuperagentResponse, done: (error: unknown, body?: unknown) => void) => void): this;
  /** Ends the request. */
  callback(error: unknown, response: unknown): void;
}

interface SuperagentResponse extends NodeJS.ReadableStream {
  readonly headers: { readonly "content-type"?: string };
  text: string;
}

/** More than a member with all its merge fields has, or a page of what they did. */
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
  request.redirects(0).maxResponseSize(MAX_ANSWER).parse(exactly);
  // It ends a request twice whose time is up in the middle of an answer, and complains about itself on the console.
  const { callback } = request;
  let ended = false;
  request.callback = (error, response) => {
    if (!ended) callback.call(request, error, response);
    ended = true;
  };
}

/** Numbers of the company's own merge fields can be larger than what a JavaScript number holds. */
function exactly(response: SuperagentResponse, done: (error: unknown, body?: unknown) => void): void {
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  response.on("end", () => {
    const bytes = Buffer.concat(chunks);
    response.text = bytes.toString();
    const isJson = /[/+]json\b/.test(response.headers["content-type"] ?? "");
    try {
      done(null, isJson && bytes.length > 0 ? parseBody("json", bytes) : undefined);
    } catch {
      done(new Error("not JSON"));
    }
  });
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
