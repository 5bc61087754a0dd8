import {
  type ApiDeclaration,
  bearer,
  type CredentialStore,
  openApi,
  platformErrors,
  type WritableApi,
  z,
} from "#kit";

/** Where an account's data is, as OAuth says in `access_url` (https://api.surveymonkey.com/v3/docs#authentication). */
const ACCESS = [
  "https://api.surveymonkey.com",
  "https://api.eu.surveymonkey.com",
  "https://api.surveymonkey.ca",
] as const;

export const credentials = z.object({
  accessToken: z.string().min(1),
  accessUrl: z.enum(ACCESS).optional(),
});

export const api: ApiDeclaration = {
  base: ({ accessUrl = ACCESS[0] }: { accessUrl?: (typeof ACCESS)[number] }) => `${accessUrl}/`,
  auth: bearer("accessToken"),
};

/** An account's contacts and responses. Every call throws `platform/*`. */
export interface Account extends WritableApi {
  /** One object as its documentation has it; undefined when there is none. */
  read<Schema extends z.ZodType>(address: string, schema: Schema): Promise<z.output<Schema> | undefined>;
  /** The pages of a list, each asked for when it is wanted. */
  pages<Schema extends z.ZodType>(
    address: string,
    schema: Schema,
  ): AsyncIterable<readonly z.output<Schema>[]>;
}

/** Records on a page; SurveyMonkey gives 100 responses at most. */
const PAGE = 100;

export function openAccount(store: CredentialStore): Account {
  const opened = openApi(api, store);
  return {
    ...opened,
    async read(address, schema) {
      const answer = await opened.get(address);
      return answer === undefined ? undefined : parse(schema, answer);
    },
    async *pages(address, schema) {
      const list = z.object({
        data: z.array(schema),
        links: z.object({ next: z.string().optional() }).nullish(),
      });
      for (let number = 1; ; number++) {
        const answer = await opened.get(
          `${address}${address.includes("?") ? "&" : "?"}per_page=${PAGE}&page=${number}`,
        );
        if (answer === undefined) {
          // A survey may have been deleted meanwhile. Contacts and surveys are always there, even if there are none.
          if (address.startsWith("v3/surveys/")) return;
          throw platformErrors.refused(404);
        }
        const { data, links } = parse(list, answer);
        yield data as readonly z.output<typeof schema>[];
        // Where it ends is said by the link to what comes next, which is not followed: it is only counted.
        if (links?.next === undefined || data.length === 0) return;
      }
    },
  };
}

export function parse<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data, success } = schema.safeParse(answer);
  if (!success) throw platformErrors.unreadable();
  return data;
}
