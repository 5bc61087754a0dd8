import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { simulateWooCommerce, type WooCommerceOptions } from "../../test/support/platforms/woocommerce.ts";
import { code, failure } from "../api.support.ts";
import { asked, simulated } from "../consent.support.ts";
import { able, collect, entry, erase, erased, find, ids, open, sets } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla+shop@example.com";
const API = "https://shop.example/wp-json/wc/v3";
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
const lookups = (address = CARLA) => [
  [`GET ${API}/orders?search=${address}&status=any&per_page=50&page=1`],
  [`GET ${API}/products/reviews?reviewer_email=${address}&status=all&per_page=50&page=1`],
];

describe("WooCommerce is asked for a person", () => {
  test("by id, as documented, and for what was done under the account's address without it", async () => {
    const { platform, api, id } = await carla();
    expect(ids(await find(api, id))).toEqual([id]);
    expect(asked(platform)).toEqual([[`GET ${API}/customers/${id}`], ...lookups()]);
    expect(platform.requests[0]?.headers).toMatchObject({
      authorization: `Basic ${btoa("ck_1:cs_s3cret")}`,
      accept: "application/json",
    });
  });

  test("by address, of any role, with its plus sign", async () => {
    const { platform, api, id } = await carla();
    expect(ids(await find(api, CARLA.toUpperCase()))).toEqual([id]);
    expect(platform.requests[0]?.url).toContain("email=carla%2Bshop%40example.com&role=all");
  });

  test("once, however many ways they are known by", async () => {
    const { api, id } = await carla();
    expect(ids(await find(api, id, CARLA, CARLA))).toEqual([id]);
  });

  test("whom it does not know, and a guest's number or a phone asks for nobody", async () => {
    const { platform, api } = await carla();
    expect(await find(api, "4711", "nobody@example.com")).toEqual([]);
    platform.requests.length = 0;
    expect(await find(api, "0", "12/../orders", "+14165550123")).toEqual([]);
    expect(platform.requests).toEqual([]);
  });

  test("whose address WordPress would take for a pattern: nobody else is found by it", async () => {
    const { api } = await carla();
    expect(await find(api, "*@example.com", "carla*")).toEqual([]);
  });

  test("who is a guest, by the address of orders: exactly, although the search finds more", async () => {
    const { platform, api } = await carla();
    platform.order({ email: "tom@example.com", made: MADE.first });
    platform.order({ email: "not-tom@example.com", made: MADE.last });
    const guest = await entry(api, "tom@example.com");
    expect(guest.id.reveal()).toBe("tom@example.com");
    expect((await collect(guest))["orders"]).toMatchObject([{ billing: { email: "tom@example.com" } }]);
  });

  test("as an account, and as the guest that they also were", async () => {
    const { platform, api, id } = await carla();
    platform.order({ email: CARLA, made: MADE.last });
    expect(ids(await find(api, id))).toEqual([id, CARLA]);
  });
});

describe("what the shop has of a person", () => {
  test("is the account with its orders and downloads, ids as they are, without the shop's keys", async () => {
    const { platform, api, id } = await carla();
    platform.download(id, "manual.pdf");
    const { customers, orders, downloads } = await collect(await entry(api, id));
    expect(customers).toMatchObject([{ id, email: CARLA, meta_data: [{ key: "vat_number" }] }]);
    expect(orders?.map((one) => one["id"])).toEqual(platform.orders.map((one) => one.id));
    expect(downloads).toMatchObject([{ download_id: "manual.pdf" }]);
    for (const secret of ["t0ken", "_links"])
      expect(JSON.stringify({ customers, orders })).not.toContain(secret);
    expect(asked(platform).slice(3)).toEqual([
      [`GET ${API}/orders?customer=${id}&status=any&per_page=50&page=1`],
      [`GET ${API}/customers/${id}/downloads?per_page=50&page=1`],
    ]);
  });

  test("is paged to the end, or said to be incomplete", async () => {
    const { platform, api, id } = await carla();
    for (let n = 0; n < 119; n++) platform.order({ account: id, email: CARLA, made: MADE.first });
    const [, orders] = await sets(await entry(api, id));
    expect(orders).toMatchObject({ title: "orders", count: 121 });
    expect(orders).not.toHaveProperty("incomplete");
    for (let n = 0; n < 2_000; n++) platform.order({ account: id, email: CARLA, made: MADE.first });
    expect((await sets(await entry(api, id)))[1]).toMatchObject({ count: 2_000, incomplete: true });
  });

  test("is, of an address alone, its orders and reviews", async () => {
    const { platform, api } = await shop();
    platform.order({ email: CARLA, made: MADE.first });
    platform.review({ email: CARLA, text: "Lovely." });
    platform.review({ email: "tom@example.com", text: "Dull." });
    expect(await collect(await entry(api, CARLA))).toMatchObject({
      orders: [{ date_created_gmt: MADE.first }],
      reviews: [{ review: "Lovely.", reviewer_email: CARLA }],
    });
  });
});

describe("an erasure", () => {
  test("deletes the account; its orders are retained by law, since the last of them", async () => {
    const { platform, api, id } = await carla();
    expect(await erase(api, await entry(api, id))).toEqual({
      state: "gone",
      retained: {
        basis: "legal_obligation",
        categories: expect.arrayContaining(["purchase_history", "payment", "postal_address"]),
        lastRecordAt: "2026-10-31T12:30:00.000Z",
      },
    });
    expect(asked(platform).slice(3)).toEqual([
      [`GET ${API}/orders?customer=${id}&status=any&orderby=date&order=desc&per_page=1`],
      [`DELETE ${API}/customers/${id}?force=true`],
      [`GET ${API}/customers/${id}`],
    ]);
    expect(platform.has(id)).toBe(false);
  });

  test("leaves nothing of an account without orders", async () => {
    const { platform, api } = await shop();
    const id = platform.add({ email: CARLA });
    expect(await erase(api, await entry(api, id))).toEqual({ state: "gone" });
  });

  test("whose receipt was lost is not thought to have left nothing", async () => {
    const { platform, api, id } = await carla();
    await (await entry(api, id)).erase?.();
    const after = await erased(api, id);
    expect(after).toMatchObject({ state: "gone", retained: { basis: "legal_obligation" } });
    expect(after).not.toHaveProperty("retained.lastRecordAt");
    expect(platform.has(id)).toBe(false);
  });

  test("that was not asked for finds the account there", async () => {
    const { api, id } = await carla();
    expect(await erased(api, id)).toEqual({ state: "there" });
  });

  test("asked for twice is the same as once", async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    await found.erase?.();
    await found.erase?.();
    expect(await erased(api, id)).toMatchObject({ state: "gone" });
  });

  test("of a guest sends nothing but for reviews: orders are retained until the shop anonymises them", async () => {
    const { platform, api } = await shop();
    for (const made of [MADE.first, MADE.last]) platform.order({ email: CARLA, made });
    const guest = await entry(api, CARLA);
    const sent = platform.requests.length;
    expect(await guest.erase?.()).toEqual({});
    expect(platform.requests).toHaveLength(sent);
    expect(await erased(api, CARLA)).toMatchObject({
      state: "gone",
      retained: { basis: "legal_obligation", lastRecordAt: "2026-10-31T12:30:00.000Z" },
    });
    platform.anonymise(CARLA);
    expect(await erased(api, CARLA)).toEqual({ state: "gone" });
  });

  test("deletes the reviews that somebody wrote, and is not done while one is there", async () => {
    const { platform, api } = await shop();
    const written = [1, 2].map((n) => platform.review({ email: CARLA, text: `No. ${n}` }));
    expect(await erased(api, CARLA)).toEqual({ state: "there" });
    expect(await erase(api, await entry(api, CARLA))).toEqual({ state: "gone" });
    expect(asked(platform).flatMap(([request]) => (request?.startsWith("DELETE") ? [request] : []))).toEqual(
      written.map((id) => `DELETE ${API}/products/reviews/${id}?force=true`),
    );
  });

  test("of the shop's staff is left to somebody, because the API refuses it", async () => {
    const { platform, api } = await shop();
    const id = platform.employ(CARLA);
    expect(able(await entry(api, id))).toEqual(["collect", "rectify"]);
  });

  test("of who has a shop's address but no API there says nothing of the person", async () => {
    const { platform } = await carla();
    const elsewhere = await open(platform, { credentials: { url: "https://shop.example/moved" } });
    expect(await failure(find(elsewhere, "12"))).toEqual(code("platform/refused"));
    expect(await failure(erased(elsewhere, "12") ?? Promise.resolve())).toEqual(code("platform/refused"));
  });

  test("that an older shop answers with 400 for who is gone is done", async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    world.answer = async ({ method }) =>
      method === "GET"
        ? Response.json([])
        : Response.json({ code: "woocommerce_rest_invalid_id", message: CARLA }, { status: 400 });
    expect(await found.erase?.()).toEqual({ receipt: "no orders" });
  });
});

describe("a correction", () => {
  const address = {
    line1: new Personal("2 New Road"),
    city: new Personal("Toronto"),
    country: "CA",
  };
  test("is one request, sets account and billing address, and takes away what was of the old address", async () => {
    const { platform, api, id } = await carla();
    const found = await entry(api, id);
    const answer = await found.rectify?.({
      ...{ email: new Personal("carla@new.example"), phone: new Personal("+14165550199") },
      ...{ givenName: new Personal("Carlotta"), familyName: new Personal("Canary"), address },
    });
    expect(answer).toEqual({
      held: ["email", "phone", "givenName", "familyName", "address"],
      ...{ accepted: [], unsupported: [] },
    });
    const account = { email: "carla@new.example", first_name: "Carlotta", last_name: "Canary" };
    const place = {
      address_1: "2 New Road",
      address_2: "",
      city: "Toronto",
      postcode: "",
      state: "",
      country: "CA",
    };
    expect(asked(platform).at(-1)).toEqual([
      `PUT ${API}/customers/${id}`,
      { ...account, billing: { ...account, phone: "+14165550199", ...place } },
    ]);
    expect(platform.accountOf(id)?.shipping).toEqual({ first_name: "Tom" });
  });

  test("that the shop writes otherwise is only accepted", async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    world.answer = () => Response.json({ id, first_name: "CARLOTTA", billing: { phone: "+14165550199" } });
    const given = { givenName: new Personal("Carlotta"), phone: new Personal("+14165550199") };
    expect(await found.rectify?.(given)).toEqual({
      held: ["phone"],
      accepted: ["givenName"],
      unsupported: [],
    });
  });

  test("to an address that another account has is refused", async () => {
    const { platform, api, id } = await carla();
    platform.add({ email: "carla@taken.example" });
    const email = new Personal("carla@taken.example");
    const correction = (await entry(api, id)).rectify?.({ email });
    expect(await failure(Promise.resolve(correction))).toEqual(code("platform/refused", { retry: false }));
  });

  test("of a guest's orders is none: they say what was", async () => {
    const { platform, api } = await shop();
    platform.order({ email: CARLA, made: MADE.first });
    expect(able(await entry(api, CARLA))).toEqual(["collect", "erase"]);
  });
});
