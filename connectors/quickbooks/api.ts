import {
  type ApiDeclaration,
  type CredentialStore,
  oauth2Refresh,
  openApi,
  platformErrors,
  type WritableApi,
  z,
} from "#kit";

export const credentials = z.object({
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  refreshToken: z.string().min(1),
  environment: z.enum(["production", "sandbox"]).optional(),
  /** The company, for a connection that was made without an account. */
  realmId: z
    .string()
    .regex(/^\d{1,20}$/)
    .optional(),
});
export type Credentials = z.output<typeof credentials>;

const HOSTS = {
  production: "https://quickbooks.api.intuit.com/",
  sandbox: "https://sandbox-quickbooks.api.intuit.com/",
} as const;

export const api: ApiDeclaration = {
  base: ({ environment = "production" }: Pick<Credentials, "environment">) => HOSTS[environment],
  auth: oauth2Refresh({ tokenUrl: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer" }),
};

/** The only one that there is: Intuit ignores older ones since August 2025. */
export const VERSION = "minorversion=75";

/** The books of one company. Every call throws `platform/*`. */
export interface Books {
  readonly realm: string;
  /** All that a condition holds for, page by page up to a limit. */
  list<Schema extends z.ZodType>(
    entity: string,
    where: string,
    schema: Schema,
  ): Promise<{ readonly records: readonly z.output<Schema>[]; readonly incomplete: boolean }>;
  /** The newest transaction that a condition holds for. */
  newest<Schema extends z.ZodType>(
    entity: string,
    where: string,
    schema: Schema,
  ): Promise<z.output<Schema> | undefined>;
  /** Updates an object; the answer as it is. */
  update(entity: string, body: object): Promise<unknown>;
}

/** Intuit gives 1,000 at most; a hundred invoices with all their lines stay below what is read of an answer. */
const PAGE = 100;
/** Of one entity: 2,000 records. */
const MAX_PAGES = 20;

export function openBooks(realm: string, store: CredentialStore): Books {
  const opened: WritableApi = openApi(api, store);

  async function select<Schema extends z.ZodType>(entity: string, rest: string, schema: Schema) {
    const text = encodeURIComponent(`select * from ${entity} where ${rest}`);
    const answer = await opened.get(`v3/company/${realm}/query?query=${text}&${VERSION}`);
    const found = z.object({ QueryResponse: z.object({ [entity]: z.array(schema).optional() }) });
    const { data } = found.safeParse(answer);
    if (data === undefined) throw platformErrors.unreadable();
    return data.QueryResponse[entity] ?? [];
  }

  return {
    realm,
    async list(entity, where, schema) {
      const records: z.output<typeof schema>[] = [];
      for (let number = 0; number < MAX_PAGES; number++) {
        const page = `startposition ${number * PAGE + 1} maxresults ${PAGE}`;
        const found = await select(entity, `${where} orderby Id ${page}`, schema);
        records.push(...found);
        if (found.length < PAGE) return { records, incomplete: false };
      }
      return { records, incomplete: true };
    },
    async newest(entity, where, schema) {
      const [first] = await select(
        entity,
        `${where} orderby TxnDate desc startposition 1 maxresults 1`,
        schema,
      );
      return first;
    },
    async update(entity, body) {
      const address = `v3/company/${realm}/${entity.toLowerCase()}?${VERSION}`;
      const answer = await opened.send("POST", address, body);
      if (answer === undefined) throw platformErrors.refused(404);
      return answer;
    },
  };
}

/** Text in a query; Intuit escapes with a backslash (https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries). */
export const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
