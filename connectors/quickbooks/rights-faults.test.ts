import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { type QuickBooksOptions, simulateQuickBooks } from "../../test/support/platforms/quickbooks.ts";
import { code, failure } from "../api.support.ts";
import { simulated } from "../consent.support.ts";
import { entry, erased, failsAsItShould, find, ids, open, readsNoNonsense } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla.o'hara@example.com";
const COMPANY = "https://quickbooks.api.intuit.com/v3/company/9341455012345678";
const TOKENS = ["POST https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"];

async function books(options: QuickBooksOptions = { accessToken: "access-1" }) {
  const platform = simulateQuickBooks(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
/** A customer with an invoice, a payment and an estimate. */
async function carla() {
  const { platform, api } = await books();
  const id = platform.add({ email: CARLA, phone: "+14165550123" });
  platform.book("Invoice", id, "2026-03-01");
  platform.book("Payment", id, "2026-10-31");
  platform.book("Estimate", id, "2026-02-01");
  return { platform, api, id };
}

describe("QuickBooks fails to be asked for a person", () => {
  const finding = async () => {
    const { platform, api, id } = await carla();
    return { platform, call: () => find(api, id) };
  };
  failsAsItShould(world, finding);
  readsNoNonsense(world, finding);
});

describe("QuickBooks fails to change somebody", () => {
  const erasing = async () => {
    const { platform, api, id } = await carla();
    const found = await entry(api, id);
    return { platform, call: async () => found.erase?.() };
  };
  failsAsItShould(world, erasing);
  readsNoNonsense(world, async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    return { call: async () => found.rectify?.({ phone: new Personal("+14165550199") }) };
  });
});

describe("QuickBooks fails to read back", () => {
  failsAsItShould(world, async () => {
    const { platform, api, id } = await carla();
    return { platform, call: async () => erased(api, id) };
  });
});

describe("a connection", () => {
  test("renews its token for what changes as for what reads, and changes once", async () => {
    const { platform, api, id } = await carla();
    const found = await entry(api, id);
    platform.revoke();
    platform.requests.length = 0;
    await found.erase?.();
    const UPDATE = `POST ${COMPANY}/customer?minorversion=75`;
    expect(platform.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      UPDATE,
      ...TOKENS,
      UPDATE,
    ]);
    expect(platform.object("Customer", id)?.["SyncToken"]).toBe("1");
  });

  test("calls its own company with its own token, whatever another does at the same time", async () => {
    const platforms = [
      simulateQuickBooks({ accessToken: "access-a" }),
      simulateQuickBooks({ accessToken: "access-b", realm: "12", environment: "sandbox" }),
    ];
    world.platforms = platforms;
    const there = platforms.map((platform) => ({ platform, id: platform.add({ email: CARLA }) }));
    await Promise.all(
      there.map(async ({ platform, id }) => expect(ids(await find(await open(platform), id))).toEqual([id])),
    );
    for (const { platform } of there) expect(platform.requests).toHaveLength(1);
    expect(platforms[1]?.requests[0]?.url).toContain(
      "https://sandbox-quickbooks.api.intuit.com/v3/company/12/",
    );
  });

  test("without an account takes the company of its credentials, and says so where it has neither", async () => {
    const { platform, id } = await carla();
    const api = await open(platform, { account: null, credentials: { realmId: "9341455012345678" } });
    expect(ids(await find(api, id))).toEqual([id]);
    expect(await failure(open(platform, { account: null }))).toEqual(
      code("platform/no-credentials", { message: expect.stringContaining('"realmId"') }),
    );
  });
});
