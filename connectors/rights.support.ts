import { expect } from "vitest";
import { connectors } from "#connectors";
import type { Corrections, ErasureState, KnownPerson, PersonEntry, RightsApi } from "#kit";
import { Personal } from "#schemas";
import type { SimulatedApi } from "../test/support/platforms/simulated.ts";
import { code, failure } from "./api.support.ts";
import { FAULTS, hurry, silence, type simulated } from "./consent.support.ts";

/** The rights API of a connection to a simulated platform, with its credentials or others. */
export async function openRights(
  { connector, account, credentials }: SimulatedApi,
  change: { account?: string | null; credentials?: object } = {},
): Promise<RightsApi> {
  const section = connectors.get(connector)?.rights;
  if (section === undefined) throw new Error(`${connector} has no rights section`);
  const own = change.account === undefined ? (account ?? null) : change.account;
  const given = { ...(credentials as object), ...change.credentials };
  // Nothing is renewed here.
  const store = { current: async () => given, renew: async () => given };
  return section.open(given as never, own, store);
}

/** The one entry of somebody there. */
export async function entry(api: RightsApi, who: KnownPerson): Promise<PersonEntry> {
  const [only, ...others] = await api.find(who);
  if (only === undefined || others.length > 0) throw new Error("not exactly one entry");
  return only;
}

export const ids = async (api: RightsApi, who: KnownPerson) =>
  (await api.find(who)).map(({ id }) => id.reveal());

/** Everything that an entry gives, by title, and the titles of sets that are not whole. */
export async function collectedFrom({ collect }: PersonEntry) {
  const sets = (await collect?.()) ?? [];
  for (const { count, records } of sets) expect(JSON.parse(records.reveal())).toHaveLength(count);
  return {
    records: Object.fromEntries(sets.map(({ title, records }) => [title, JSON.parse(records.reveal())])),
    incomplete: sets.filter(({ incomplete }) => incomplete === true).map(({ title }) => title),
  };
}

/** What became of an erasure. */
export async function became(api: RightsApi, id: string, receipt: string | null = null) {
  if (api.erased === undefined) throw new Error("it cannot be read back");
  return api.erased({ id: new Personal(id), receipt }) satisfies Promise<ErasureState>;
}

/** Corrections, as personal data. */
export function corrections(texts: Partial<Record<Exclude<keyof Corrections, "address">, string>>) {
  return Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, new Personal(text)]));
}

/** Every way in which a platform fails, for each request that it can fail at: what is thrown, and that nothing is repeated. */
export async function failsAsItShould(
  world: ReturnType<typeof simulated>,
  platform: SimulatedApi,
  calls: readonly (() => Promise<unknown>)[],
): Promise<void> {
  for (const call of calls) {
    for (const [fault, expected, retry, retryAfter] of FAULTS) {
      platform.fail(fault);
      const before = platform.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(platform.requests).toHaveLength(before + 1);
    }
  }
  platform.fail();
  hurry(50);
  world.answer = silence;
  for (const call of calls)
    expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  world.answer = undefined;
}
