import { http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { connectors } from "#connectors";
import {
  type ConsentApi,
  type ConsentTarget,
  type ConsentWish,
  type KnownPerson,
  outcomeOf,
  type PersonThere,
  signFixture,
} from "#kit";
import { Personal } from "#schemas";
import type { SimulatedApi, SimulatedPlatform } from "../test/support/platforms/simulated.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/** The platforms of a test file, reached through their SDKs; no other host is there, and nothing may be printed. */
export function simulated() {
  const world: { platforms: SimulatedApi[]; answer: Answer | undefined; elsewhere: string[] } = {
    ...{ platforms: [], answer: undefined, elsewhere: [] },
  };
  const server = setupServer(
    http.all("*", ({ request }) => {
      const { host } = new URL(request.url);
      const platform = world.platforms.find((one) => one.serves(host));
      if (platform === undefined) world.elsewhere.push(host);
      return (world.answer ?? platform?.handle ?? Response.error)(request);
    }),
  );
  const printed: unknown[] = [];
  const print = (...words: unknown[]) => printed.push(words) > 0;
  beforeAll(() => server.listen());
  afterAll(() => server.close());
  beforeEach(() => {
    Object.assign(world, { platforms: [], answer: undefined, elsewhere: [] });
    for (const level of ["log", "info", "warn", "error", "debug"] as const)
      vi.spyOn(console, level).mockImplementation(print);
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, "write").mockImplementation(print);
    vi.spyOn(process, "emitWarning").mockImplementation(print);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    expect(printed.splice(0)).toEqual([]);
    expect(world.elsewhere).toEqual([]);
  });
  return world;
}

/** The consent API of a connection to a simulated platform, with its credentials or others. */
export async function open(
  { connector, account, credentials }: SimulatedPlatform,
  change: { account?: string | null; credentials?: object } = {},
): Promise<ConsentApi> {
  const section = connectors.get(connector)?.consent;
  if (section === undefined) throw new Error(`${connector} has no consent section`);
  const own = change.account === undefined ? (account ?? null) : change.account;
  return section.open({ ...(credentials as object), ...change.credentials } as never, own);
}

/** Somebody as the hub knows them: ids are digits, addresses have an `@`, and numbers begin with a plus. */
export function person(...identifiers: string[]): KnownPerson {
  const some = (those: (one: string) => boolean) => identifiers.filter(those).map((one) => new Personal(one));
  return {
    platformIds: some((one) => /^\w+$/.test(one)),
    emails: some((one) => one.includes("@")),
    phones: some((one) => one.startsWith("+")),
  };
}

export const wish = (state: ConsentWish["state"], occurredAt: string, confirmed = false): ConsentWish => ({
  ...{ state, occurredAt, confirmed },
});

/** What the platform is said to hold of somebody, and that nobody is known is said as `unknown`. */
export async function held(api: ConsentApi, target: ConsentTarget, ...identifiers: string[]) {
  const found = await api.find(person(...identifiers));
  return found === undefined ? "unknown" : found.held(target);
}

/** What somebody is given there. */
export async function set(api: ConsentApi, who: KnownPerson, target: ConsentTarget, to: ConsentWish) {
  const found = await api.find(who);
  if (found === undefined) throw new Error("nobody is known by that");
  return found.set(target, to);
}

/** What our own connector makes of the webhooks that wait, signed and received as any other. */
export async function reports({ connector: id, account, outbox }: SimulatedPlatform) {
  const connector = connectors.get(id);
  if (connector === undefined) throw new Error(`no connector ${id}`);
  const now = Date.now();
  const outcomes = outbox.splice(0).map(({ headers, body }) => {
    const webhook = { method: "POST", url: "https://hub.example/webhooks", headers, body, expect: {} };
    const request = signFixture(connector, webhook, "secret", now);
    return outcomeOf(connector, request, { secrets: ["secret"], account: account ?? null }, { now });
  });
  return Promise.all(outcomes);
}

/** Somebody there, who has to be known. */
export async function found(api: ConsentApi, ...identifiers: string[]): Promise<PersonThere> {
  const known = await api.find(person(...identifiers));
  if (known === undefined) throw new Error("nobody is known by that");
  return known;
}

/** Method and address of each request, and its body as an object. */
export const asked = ({ requests }: Pick<SimulatedApi, "requests">) =>
  requests.map(({ method, url, body }) => [
    `${method} ${decodeURIComponent(url)}`,
    ...(body === "" ? [] : [JSON.parse(body)]),
  ]);

/** From now on no request has more than this many milliseconds. */
export function hurry(milliseconds: number): void {
  const { timeout } = AbortSignal;
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout.call(AbortSignal, milliseconds));
}

/** What a platform that never answers answers. */
export const silence: Answer = () => new Promise(() => undefined);

/** How platforms fail, and what each failure is: its code, whether it may pass, and after how many milliseconds. */
export const FAULTS = [
  [{ status: 400 }, "platform/refused", false, undefined],
  [{ status: 401 }, "platform/unauthorised", false, undefined],
  [{ status: 403 }, "platform/unauthorised", false, undefined],
  [{ status: 408 }, "platform/unavailable", true, undefined],
  [{ status: 422 }, "platform/refused", false, undefined],
  [{ status: 429, retryAfter: "7" }, "platform/rate-limited", true, 7_000],
  [{ status: 429 }, "platform/rate-limited", true, undefined],
  [{ status: 500 }, "platform/unavailable", true, undefined],
  [{ status: 503, retryAfter: "120" }, "platform/unavailable", true, 120_000],
  ["cut", "platform/unavailable", true, undefined],
] as const;
