import { type ApiDeclaration, bearer, type CredentialStore, openApi, platformErrors, z } from "#kit";

export const credentials = z.object({ privateToken: z.string().min(1) });

export const api: ApiDeclaration = {
  base: () => "https://www.eventbriteapi.com/v3/",
  auth: bearer("privateToken"),
};

/** Pages of one list: of 50 records each, as Eventbrite has them. It may be asked 1,000 times an hour. */
const MAX_PAGES = 100;

/** All that a list has, up to a limit. Throws `platform/*`. */
export type List = <Schema extends z.ZodType>(
  path: string,
  name: string,
  schema: Schema,
  query?: Readonly<Record<string, string>>,
) => Promise<{ readonly records: readonly z.output<Schema>[]; readonly incomplete: boolean }>;

/** https://www.eventbrite.com/platform/api#/introduction/paginated-responses */
const Pagination = z.object({ has_more_items: z.boolean(), continuation: z.string().nullish() });

export function openLists(store: CredentialStore): List {
  const opened = openApi(api, store);
  return async (path, name, schema, query = {}) => {
    const records: z.output<typeof schema>[] = [];
    const form = z.object({ pagination: Pagination, [name]: z.array(schema) });
    let continuation: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const asked = new URLSearchParams({ ...query, ...(continuation !== undefined && { continuation }) });
      const answer = await opened.get(asked.size === 0 ? path : `${path}?${asked}`);
      // A list is there even if it is empty: what is not there is not what the token is for.
      if (answer === undefined) throw platformErrors.refused(404);
      const { data } = form.safeParse(answer);
      if (data === undefined) throw platformErrors.unreadable();
      records.push(...(data[name] as z.output<typeof schema>[]));
      const { has_more_items: more, continuation: next } = data.pagination as z.output<typeof Pagination>;
      if (!more || !next) return { records, incomplete: more };
      continuation = next;
    }
    return { records, incomplete: true };
  };
}
