import { API_PATIENCE, missingCredentials, parseBody, platformErrors, platformId, sdkFault, z } from "#kit";

export interface Credentials {
  readonly url: string;
  readonly consumerKey: string;
  readonly consumerSecret: string;
}

type Query = Readonly<Record<string, string | number | boolean>>;

/** Records of a list, and whether there are more than were asked for. */
export interface Listed<Record> {
  readonly records: readonly Record[];
  readonly incomplete: boolean;
}

/** A shop's REST API, through WooCommerce's SDK; paths without the prefix. Every call throws `platform/*`. */
export interface Shop {
  /** One object; undefined when there is none of that id. */
  get(path: string): Promise<unknown>;
  /** All pages of a list, up to a limit. */
  list<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    query?: Query,
  ): Promise<Listed<z.output<Schema>>>;
  /** The first of a list. */
  first<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    query: Query,
  ): Promise<z.output<Schema> | undefined>;
  put(path: string, body: object): Promise<unknown>;
  /** Also resolves when there is none of that id (any more). */
  remove(path: string, query: Query): Promise<void>;
}

/** More than a page of orders has, with all that plugins add to them. */
const MAX_ANSWER = 16 * 1024 * 1024;
/** The API gives 100 at most (https://woocommerce.github.io/woocommerce-rest-api-docs/#pagination); orders are large. */
const PAGE = 50;
/** Of one list: 2,000 records. */
const MAX_PAGES = 40;

/** Throws `platform/no-credentials` where the shop's address is not one to send keys to. */
export async function openShop(credentials: Credentials): Promise<Shop> {
  const { consumerKey, consumerSecret } = credentials;
  const url = URL.parse(credentials.url);
  // Without TLS the SDK would sign, and send what it is about in the clear.
  if (url?.protocol !== "https:" || url.username !== "" || url.search !== "" || url.hash !== "")
    throw missingCredentials("url");
  const { default: sdk } = await import("@woocommerce/woocommerce-rest-api");
  // It is CommonJS that was ESM: some loaders give the class, others what holds it.
  const Client = sdk.default ?? (sdk as unknown as typeof sdk.default);

  /** A client lasts for one request: what limits its time is in the client. */
  const client = () =>
    new Client({
      ...{ url: url.href, consumerKey, consumerSecret, version: "wc/v3" as const },
      axiosConfig: {
        // Neither a redirect nor the environment's proxy may take keys and people elsewhere.
        ...{ maxRedirects: 0, proxy: false },
        ...{ signal: AbortSignal.timeout(API_PATIENCE), maxContentLength: MAX_ANSWER },
        // As bytes, because the SDK's HTTP library would round ids beyond 2^53.
        responseType: "arraybuffer",
      },
    });

  async function page(path: string, query: Query): Promise<{ body: unknown; pages: number }> {
    try {
      const { data, headers } = Answer.parse(await client().get(path, query));
      return { body: json(data), pages: Number(headers["x-wp-totalpages"] ?? 1) };
    } catch (error) {
      throw fault(error);
    }
  }

  return {
    async get(path) {
      try {
        return json(Answer.parse(await client().get(path)).data);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw fault(error);
      }
    },
    async list(path, schema, query = {}) {
      const records: z.output<typeof schema>[] = [];
      for (let number = 1; ; number++) {
        const { body, pages } = await page(path, { ...query, per_page: PAGE, page: number });
        records.push(...read(z.array(schema), body));
        if (number >= pages) return { records, incomplete: false };
        if (number === MAX_PAGES) return { records, incomplete: true };
      }
    },
    async first(path, schema, query) {
      return read(z.array(schema), (await page(path, { ...query, per_page: 1 })).body)[0];
    },
    async put(path, body) {
      try {
        return json(Answer.parse(await client().put(path, body)).data);
      } catch (error) {
        throw fault(error);
      }
    },
    async remove(path, query) {
      try {
        await client().delete(path, query);
      } catch (error) {
        if (!isMissing(error)) throw fault(error);
      }
    },
  };
}

/** What an answer holds, if it is what was asked for. Throws `platform/unreadable`. */
export function read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data, success } = schema.safeParse(answer);
  if (!success) throw platformErrors.unreadable();
  return data;
}

const Bytes = z.instanceof(Uint8Array);
const Answer = z.object({
  data: Bytes,
  headers: z.looseObject({ "x-wp-totalpages": platformId.optional() }),
});

function json(bytes: Uint8Array): unknown {
  try {
    return parseBody("json", bytes);
  } catch {
    throw platformErrors.unreadable();
  }
}

/** What the SDK's HTTP library throws: with the whole request in it, keys included. */
const Refusal = z.object({
  response: z.object({
    status: z.int(),
    headers: z.looseObject({ "retry-after": z.string().optional() }),
    data: Bytes.optional().catch(undefined),
  }),
});

const Code = z.object({ code: z.string() });

/**
 * Whether it says that there is none of that id, which it does with 404, or 400 in older shops: with a code of its own
 * (https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/rest-api/Controllers/Version1/class-wc-rest-customers-v1-controller.php).
 * Any other 404 is of a shop that has no such API, or is somewhere else, and says nothing of the person.
 */
function isMissing(error: unknown): boolean {
  const { status, data } = Refusal.safeParse(error).data?.response ?? {};
  if ((status !== 404 && status !== 400) || data === undefined) return false;
  try {
    return Code.parse(parseBody("json", data)).code.endsWith("invalid_id");
  } catch {
    return false;
  }
}

function fault(error: unknown) {
  if (error instanceof Error && error.message.startsWith("maxContentLength"))
    return platformErrors.tooLarge(MAX_ANSWER);
  return sdkFault(error, () => {
    const { status, headers } = Refusal.safeParse(error).data?.response ?? {};
    return { status, retryAfter: headers?.["retry-after"] };
  });
}
