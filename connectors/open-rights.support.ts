import { connectors } from "#connectors";
import type { CollectedSet, PersonEntry, RightsApi } from "#kit";
import { person } from "./consent.support.ts";

export { openRights } from "./rights.support.ts";

/** The one entry of somebody there, who has to be known. It can do all that any can. */
export async function entryOf(api: RightsApi, ...identifiers: string[]): Promise<Required<PersonEntry>> {
  const [entry, ...others] = await api.find(person(...identifiers));
  if (entry === undefined || others.length > 0) throw new Error(`${others.length + 1} entries, or none`);
  const { id, collect, erase, rectify } = entry;
  if (!collect || !erase || !rectify) throw new Error("it cannot do everything");
  return { id, collect, erase, rectify };
}

/** What became of an entry's erasure. `receipt`: what was answered to it, null if that was lost. */
export async function stateOf(api: RightsApi, { id }: PersonEntry, receipt: string | null) {
  if (api.erased === undefined) throw new Error("it cannot be read back");
  return api.erased({ id, receipt });
}

/** What was collected, by its titles. */
export const opened = (sets: readonly CollectedSet[]): Record<string, unknown[]> =>
  Object.fromEntries(sets.map(({ title, records }) => [title, JSON.parse(records.reveal())]));

/** Titles of what was not collected to its end. */
export const unfinished = (sets: readonly CollectedSet[]) =>
  sets.filter(({ incomplete }) => incomplete).map(({ title }) => title);

/** What a schema says of credentials with a key that it does not know. */
export const faultOfUnknownKey = (connector: string, credentials: object, key: string) =>
  connectors
    .get(connector)
    ?.credentials?.safeParse({ ...credentials, [key]: "a6b5da1054" })
    .error?.issues.map(({ message }) => message);
