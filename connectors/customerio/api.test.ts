import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type CustomerIoOptions, simulateCustomerIo } from "../../test/support/platforms/customerio.ts";
import { code, failure } from "../api.support.ts";
import { FAULTS, found, hurry, open, person, reports, silence, simulated } from "../consent.support.ts";

const world = simulated();

const EMAIL = { purpose: "email_marketing" } as const;
const CARLA = { email: "carla@example.com", phone: "+14165550123" };
const granted = { state: "granted", occurredAt: "2026-11-19T08:30:00.000Z", confirmed: false } as const;
const withdrawn = { ...granted, state: "withdrawn" } as const;

async function customerIo(options: CustomerIoOptions = {}) {
  const platform = simulateCustomerIo(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}

describe("when Customer.io fails", () => {
  test.each(FAULTS)("%j is %s, and nothing of it is told", async (fault, expected, retry, retryAfter) => {
    const { platform, api } = await customerIo();
    const there = await found(api, platform.add(CARLA));
    platform.fail(fault);
    const calls = [
      () => api.find(person("usr_2471")),
      () => api.find(person(CARLA.email)),
      () => there.set(EMAIL, withdrawn),
    ];
    for (const call of calls) {
      const before = platform.requests.length;
      expect(await failure(call())).toEqual(code(expected, { retry, retryAfter }));
      expect(platform.requests).toHaveLength(before + 1);
    }
  });

  test("a date until which to wait is as good as seconds", async () => {
    const { platform, api } = await customerIo();
    platform.fail({ status: 429, retryAfter: new Date(Date.now() + 60_000).toUTCString() });
    const error = await failure(api.find(person("usr_2471")));
    expect(error).toEqual(code("platform/rate-limited", { retryAfter: expect.closeTo(60_000, -4) }));
  });

  test("an address that is gone is no success where something was to be changed", async () => {
    const { platform, api } = await customerIo();
    const there = await found(api, platform.add(CARLA));
    platform.fail({ status: 404 });
    expect(await failure(there.set(EMAIL, withdrawn))).toEqual(code("platform/refused"));
  });

  test("what never answers is given up", async () => {
    const { platform, api } = await customerIo();
    const there = await found(api, platform.add(CARLA));
    world.answer = silence;
    hurry(30);
    for (const call of [() => api.find(person("usr_1")), () => there.set(EMAIL, withdrawn)])
      expect(await failure(call())).toEqual(code("platform/unavailable", { retry: true }));
  });

  test("all that it takes to find somebody has ten seconds together", async () => {
    const { platform, api } = await customerIo();
    world.answer = (request) => wait(40).then(() => platform.handle(request));
    const patience = vi.spyOn(AbortSignal, "timeout");
    expect(await api.find(person("usr_1", "usr_2"))).toBeUndefined();
    const given = patience.mock.calls.map(([milliseconds]) => milliseconds);
    expect(given).toHaveLength(4);
    expect(given[0]).toBeLessThanOrEqual(10_000);
    expect(given[3]).toBeLessThanOrEqual(10_000 - 3 * 35);
  });

  test.each(["https://elsewhere.example/", "https://api-eu.customer.io/v1/", "/v1/customers"])(
    "a redirect is not followed, not even to %s",
    async (location) => {
      const { platform, api } = await customerIo();
      const there = await found(api, platform.add(CARLA));
      const hosts: string[] = [];
      world.answer = ({ url }) => {
        hosts.push(new URL(url).host);
        return new Response(null, { status: 301, headers: { location } });
      };
      expect(await failure(api.find(person(CARLA.email)))).toEqual(code("platform/refused"));
      expect(await failure(there.set(EMAIL, withdrawn))).toEqual(code("platform/refused"));
      expect(hosts).toEqual(["api.customer.io", "track.customer.io"]);
    },
  );

  test.each([
    ["<html>carla@example.com", "platform/unavailable"],
    ['{"customer": {"attributes": {"email": "carla@example.com"}}}', "platform/unreadable"],
    [
      '{"customer": {"attributes": {"cio_id": "1", "cio_subscription_preferences": "carla@example.com"}}}',
      "platform/unreadable",
    ],
  ])("an answer that is no person is nobody: %s", async (body, expected) => {
    const { api } = await customerIo();
    world.answer = () => new Response(body);
    expect(await failure(api.find(person("usr_2471")))).toEqual(code(expected));
  });
});

describe("credentials", () => {
  test.each(["siteId", "trackApiKey"])("without %s are told what is missing", async (field) => {
    const error = await failure(open(simulateCustomerIo(), { credentials: { [field]: undefined } }));
    expect(error).toEqual(
      code("platform/no-credentials", {
        retry: false,
        message: expect.stringMatching(new RegExp(`"${field}".*lethe connection update --credentials`)),
      }),
    );
  });

  test("of two workspaces are used each where it belongs, at the same time", async () => {
    const workspaces = ["a", "b"].map((name) => {
      const keys = { appApiKey: `s3cret-${name}`, siteId: `site-${name}`, trackApiKey: `t0ken-${name}` };
      return simulateCustomerIo({ keys, region: name === "a" ? "us" : "eu" });
    });
    world.platforms = workspaces;
    const apis = await Promise.all(workspaces.map((workspace) => open(workspace)));
    const ids = workspaces.map((workspace) => workspace.add(CARLA));
    const bring = async (n: number) => {
      const api = apis[n];
      if (api !== undefined) await (await found(api, ids[n] ?? "")).set(EMAIL, granted);
    };
    await Promise.all([bring(0), bring(1), bring(0), bring(1)]);
    for (const [n, workspace] of workspaces.entries()) {
      const used = workspace.requests.map(({ headers }) => headers["authorization"]);
      const name = n === 0 ? "a" : "b";
      expect(new Set(used)).toEqual(
        new Set([`Bearer s3cret-${name}`, `Basic ${btoa(`site-${name}:t0ken-${name}`)}`]),
      );
      expect(used).toHaveLength(6);
    }
  });
});

describe("what the simulated Customer.io sends", () => {
  const records = (...consents: object[]) => ({
    records: [{ type: "subject" }, { type: "activity" }, ...consents],
  });
  const report = { nature: "snapshot", method: "preference_center" };

  test("is read by our connector, of what people choose and of what the API changes", async () => {
    const { platform, api } = await customerIo();
    const id = platform.add(CARLA);
    platform.choose(id, "sms_marketing", "withdrawn");
    platform.choose(id, "sms_marketing", "withdrawn");
    platform.chooseTopic(id, "topic_7", "withdrawn");
    await (await found(api, id)).set(EMAIL, granted);
    await expect.poll(() => platform.outbox.length, { interval: 5 }).toBe(3);
    expect(await reports(platform)).toMatchObject([
      records({ purpose: "sms_marketing", state: "withdrawn", nature: "expressed" }),
      records({ list: "topic_7", state: "withdrawn", nature: "expressed" }),
      records({ purpose: "email_marketing", state: "granted", ...report }),
    ]);
  });

  test("may be all preferences again", async () => {
    const { platform } = await customerIo({ repeats: true });
    const id = platform.add({ ...CARLA, held: { sms_marketing: "withdrawn" } });
    platform.choose(id, "email_marketing", "granted");
    expect(await reports(platform)).toMatchObject([
      records(
        { purpose: "email_marketing", state: "granted", ...report },
        { purpose: "sms_marketing", state: "withdrawn", nature: "expressed" },
      ),
    ]);
  });

  test("is a withdrawal of three purposes where only everything could be unsubscribed", async () => {
    const { platform, api } = await customerIo({ channels: [] });
    const id = platform.add({ email: CARLA.email });
    await (await found(api, id)).set(EMAIL, withdrawn);
    await expect.poll(() => platform.outbox.length, { interval: 5 }).toBe(1);
    platform.choose(id, "email_marketing", "granted");
    expect(await reports(platform)).toMatchObject([
      records(
        { purpose: "email_marketing", state: "withdrawn", nature: "expressed" },
        { purpose: "sms_marketing", state: "withdrawn", nature: "expressed" },
        { purpose: "whatsapp_marketing", state: "withdrawn", nature: "expressed" },
      ),
      records({ purpose: "email_marketing", state: "granted", nature: "snapshot", method: "unknown" }),
    ]);
  });
});
