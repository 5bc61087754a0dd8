import { describe, expect, test } from "vitest";
import { simulateKlaviyo } from "../../test/support/platforms/klaviyo.ts";
import { code, failure } from "../api.support.ts";
import { FAULTS, found, hurry, open, person, silence, simulated } from "../consent.support.ts";

const world = simulated();

const EMAIL = { purpose: "email_marketing" } as const;
const CARLA = { email: "carla@example.com" };
const granted = { state: "granted", occurredAt: "2026-11-19T08:30:00.000Z", confirmed: false } as const;
const withdrawn = { ...granted, state: "withdrawn" } as const;

async function klaviyo() {
  const platform = simulateKlaviyo();
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}

describe("when Klaviyo fails", () => {
  test.each(FAULTS)("%j is %s, and nothing of it is told", async (fault, expected, retry, retryAfter) => {
    const { platform, api } = await klaviyo();
    const there = await found(api, platform.add(CARLA));
    platform.fail(fault);
    const calls = [
      () => api.find(person("01GDD")),
      () => api.find(person(CARLA.email)),
      () => there.set(EMAIL, granted),
      () => there.set(EMAIL, withdrawn),
    ];
    for (const call of calls) {
      const before = platform.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(platform.requests).toHaveLength(before + 1);
    }
  });

  test("a date until which to wait is as good as seconds", async () => {
    const { platform, api } = await klaviyo();
    platform.fail({ status: 429, retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = await failure(api.find(person("01GDD")));
    expect(error).toEqual(code("platform/rate-limited", { retryAfter: expect.closeTo(60_000, -4) }));
  });

  test("an address that is gone is no success where something was to be changed", async () => {
    const { platform, api } = await klaviyo();
    const there = await found(api, platform.add(CARLA));
    platform.fail({ status: 404 });
    expect(await failure(there.set(EMAIL, withdrawn))).toEqual(code("platform/refused"));
  });

  test("what never answers is given up", async () => {
    const { platform, api } = await klaviyo();
    const there = await found(api, platform.add(CARLA));
    world.answer = silence;
    hurry(30);
    for (const call of [() => api.find(person("01GDD")), () => there.set(EMAIL, withdrawn)])
      expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  });

  test("a redirect is not followed", async () => {
    const { api } = await klaviyo();
    const hosts: string[] = [];
    world.answer = ({ url }) => {
      hosts.push(new URL(url).host);
      return new Response(null, { status: 307, headers: { location: "https://elsewhere.example/" } });
    };
    expect(await failure(api.find(person("01GDD")))).toEqual(code("platform/refused"));
    expect(hosts).toEqual(["a.klaviyo.com"]);
  });

  test("an answer that is no profile is no person", async () => {
    const { api } = await klaviyo();
    world.answer = () => new Response("<html>carla@example.com");
    expect(await failure(api.find(person("01GDD")))).toEqual(code("platform/unreadable"));
  });
});

test("two accounts at the same time each have their own key", async () => {
  const accounts = ["pk_s3cret_a", "pk_s3cret_b"].map((privateKey) => simulateKlaviyo({ privateKey }));
  const [a, b] = accounts;
  if (a === undefined || b === undefined) throw new Error("two");
  world.platforms = [a];
  world.answer = (request) =>
    (request.headers.get("authorization") === "Klaviyo-API-Key pk_s3cret_a" ? a : b).handle(request);
  const apis = await Promise.all(accounts.map((account) => open(account)));
  const ids = accounts.map((account, n) => account.add({ email: `carla${n}@example.com` }));
  const round = async (n: number) => {
    const api = apis[n];
    if (api === undefined) throw new Error("two");
    await (await found(api, ids[n] ?? "")).set(EMAIL, granted);
  };
  await Promise.all([round(0), round(1), round(0), round(1)]);
  for (const account of accounts) {
    expect(account.requests).toHaveLength(4);
    expect(new Set(account.requests.map(({ headers }) => headers["authorization"])).size).toBe(1);
  }
});
