import { expect, test } from "vitest";
import { connectors } from "#connectors";
import type { CollectedSet, ErasureState, KnownPerson, PersonEntry, RightsApi } from "#kit";
import { Personal } from "#schemas";
import type { SimulatedApi } from "../test/support/platforms/simulated.ts";
import { code, failure, keeping } from "./api.support.ts";
import { FAULTS, hurry, silence, type simulated } from "./consent.support.ts";

/** The rights API of a connection to a simulated platform, with its credentials or others. */
export async function open(
  { connector, account, credentials }: SimulatedApi,
  change: { account?: string | null; credentials?: object } = {},
): Promise<RightsApi> {
  const section = connectors.get(connector)?.rights;
  if (section === undefined) throw new Error(`${connector} has no rights section`);
  const own = change.account === undefined ? (account ?? null) : change.account;
  const given = { ...(credentials as object), ...change.credentials };
  return section.open(given as never, own, keeping(given));
}

/** Somebody as the hub knows them: addresses have an `@`, numbers begin with a plus, and all else is the platform's id. */
export function known(...identifiers: string[]): KnownPerson {
  const [emails, phones, ids] = [/@/, /^\+/, /^[^@+]+$/].map((form) =>
    identifiers.filter((one) => form.test(one)).map((one) => new Personal(one)),
  );
  return { platformIds: ids ?? [], emails: emails ?? [], phones: phones ?? [] };
}

export const find = (api: RightsApi, ...identifiers: string[]) => api.find(known(...identifiers));

/** The only entry there is of somebody. */
export async function entry(api: RightsApi, ...identifiers: string[]): Promise<PersonEntry> {
  const entries = await find(api, ...identifiers);
  const [only] = entries;
  if (only === undefined || entries.length > 1) throw new Error(`${entries.length} entries`);
  return only;
}

export const ids = (entries: readonly PersonEntry[]) => entries.map(({ id }) => id.reveal());

/** What the methods of an entry say that can be done with it. */
export const able = ({ collect, erase, rectify }: PersonEntry) =>
  Object.entries({ collect, erase, rectify }).flatMap(([name, method]) => (method ? [name] : []));

/** What was collected of an entry, opened: title → records. */
export async function collect(of: PersonEntry): Promise<Record<string, Record<string, unknown>[]>> {
  return Object.fromEntries(
    (await sets(of)).map(({ title, records }) => [title, JSON.parse(records.reveal())]),
  );
}

export async function sets(of: PersonEntry): Promise<readonly CollectedSet[]> {
  if (of.collect === undefined) throw new Error("nothing can be collected");
  const all = await of.collect();
  for (const { records, count } of all) expect(JSON.parse(records.reveal())).toHaveLength(count);
  return all;
}

/** Asks for an erasure, and looks up what came of it. */
export async function erase(api: RightsApi, of: PersonEntry): Promise<ErasureState | undefined> {
  const { receipt = null } = (await of.erase?.()) ?? {};
  expect(receipt ?? "").not.toMatch(/@|carla/i);
  return api.erased?.({ id: of.id, receipt });
}

export const erased = (api: RightsApi, id: string, receipt: string | null = null) =>
  api.erased?.({ id: new Personal(id), receipt });

/**
 * How a call ends when the platform does not answer as it should: the same for every call. `prepare` puts the platform
 * into the world and says what is called; from then on it fails.
 */
export function failsAsItShould(
  world: ReturnType<typeof simulated>,
  prepare: () => Promise<{ platform: SimulatedApi; call: () => Promise<unknown> }>,
): void {
  test.each(FAULTS)("after %j", async (fault, expected, retry, retryAfter) => {
    const { platform, call } = await prepare();
    platform.fail(fault);
    expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
  });

  test("after silence", async () => {
    const { call } = await prepare();
    hurry(50);
    world.answer = silence;
    expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  });

  test("after a date to wait for", async () => {
    const { platform, call } = await prepare();
    platform.fail({ status: 429, retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = await failure(call());
    expect(error).toEqual(code("platform/rate-limited", { retry: true }));
    expect((error as { retryAfter: number }).retryAfter).toBeGreaterThan(50_000);
  });

  test.each([301, 302, 307, 308])("after a redirect with %i, which is not followed", async (status) => {
    const { call } = await prepare();
    world.answer = () =>
      new Response(null, { status, headers: { location: "https://attacker.example/v3/t0ken" } });
    expect(await failure(call())).toEqual(code("platform/refused", { retry: false }));
  });
}

/** After answers that are none: a page, JSON of another form. */
export function readsNoNonsense(
  world: ReturnType<typeof simulated>,
  prepare: () => Promise<{ call: () => Promise<unknown> }>,
): void {
  test.each(["<html>carla", '{"email":"carla@', '{"canary":7}', "[{}]", "7", ""])(
    "after an answer such as %j",
    async (text) => {
      const { call } = await prepare();
      world.answer = () => new Response(text, { headers: { "content-type": "application/json" } });
      expect(await failure(call())).toEqual(code("platform/unreadable", { retry: false }));
    },
  );
}
