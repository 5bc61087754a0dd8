import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { simulateWooCommerce, type WooCommerceOptions } from "../../test/support/platforms/woocommerce.ts";
import { code, failure } from "../api.support.ts";
import { simulated } from "../consent.support.ts";
import { entry, erased, failsAsItShould, find, ids, open, readsNoNonsense } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla+shop@example.com";
const MADE = { first: "2026-03-01T08:00:00", last: "2026-10-31T12:30:00" };

async function shop(options: WooCommerceOptions = {}) {
  const platform = simulateWooCommerce(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
/** Somebody with an account and two orders. */
async function carla() {
  const { platform, api } = await shop();
  const id = platform.add({ email: CARLA, phone: "+14165550123" });
  for (const made of [MADE.last, MADE.first]) platform.order({ account: id, email: CARLA, made });
  return { platform, api, id };
}

describe("WooCommerce fails to be asked for a person", () => {
  const finding = async () => {
    const { platform, api, id } = await carla();
    return { platform, call: () => find(api, id, CARLA) };
  };
  failsAsItShould(world, finding);
  readsNoNonsense(world, finding);
});

describe("WooCommerce fails to delete", () => {
  failsAsItShould(world, async () => {
    const { platform, api, id } = await carla();
    const found = await entry(api, id);
    return { platform, call: async () => found.erase?.() };
  });
});

describe("WooCommerce fails to read back, to collect, or to correct", () => {
  failsAsItShould(world, async () => {
    const { platform, api, id } = await carla();
    return { platform, call: async () => erased(api, id) };
  });
  readsNoNonsense(world, async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    return { call: async () => found.collect?.() };
  });
  readsNoNonsense(world, async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    return { call: async () => found.rectify?.({ phone: new Personal("+14165550199") }) };
  });
});

describe("a connection", () => {
  test("calls its own shop with its own keys, whatever another does at the same time", async () => {
    const options = { url: "https://other.example/shop/", consumerKey: "ck_2", consumerSecret: "cs_2" };
    const platforms = [simulateWooCommerce(), simulateWooCommerce(options)];
    world.platforms = platforms;
    const there = platforms.map((platform) => ({ platform, id: platform.add({ email: CARLA }) }));
    await Promise.all(
      there.map(async ({ platform, id }) => expect(ids(await find(await open(platform), id))).toEqual([id])),
    );
    for (const { platform } of there) expect(platform.requests).toHaveLength(3);
    expect(platforms[1]?.requests[0]?.url).toContain("https://other.example/shop/wp-json/wc/v3/customers/");
  });

  test("with the wrong keys is told so", async () => {
    const { platform, id } = await carla();
    const api = await open(platform, { credentials: { consumerSecret: "cs_t0ken" } });
    expect(await failure(find(api, id))).toEqual(code("platform/unauthorised", { retry: false }));
  });

  test.each([
    ["http://shop.example"],
    ["https://key:s3cret@shop.example"],
    ["https://shop.example/?x=1"],
    ["ftp://shop.example"],
  ])("sends no keys to %s", async (url) => {
    const { platform } = await shop();
    expect(await failure(open(platform, { credentials: { url } }))).toEqual(
      code("platform/no-credentials", { message: expect.stringContaining('"url"') }),
    );
  });

  test("takes no proxy from the environment", async () => {
    const { api, id } = await carla();
    process.env["https_proxy"] = "http://proxy.example:3128";
    try {
      expect(ids(await find(api, id))).toEqual([id]);
    } finally {
      delete process.env["https_proxy"];
    }
  });
});
