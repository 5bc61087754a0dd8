import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedShopify, simulateShopify } from "../../test/support/platforms/shopify.ts";
import { held, open, person, reports, set, simulated, wish } from "../consent.support.ts";

const world = simulated();

const email = { purpose: "email_marketing" } as const;
const sms = { purpose: "sms_marketing" } as const;
const whatsApp = { purpose: "whatsapp_marketing" } as const;

const ADDRESS = "carla@canary.example";
const PHONE = "+16135550188";
const AT = "2026-11-20T09:15:00.123Z";

let shop: SimulatedShopify;
beforeEach(() => {
  shop = simulateShopify({ accessToken: "shpat_t0ken" });
  world.platforms = [shop];
});
const asked = () => shop.requests.map(({ body }) => JSON.parse(body));

describe("a person is found", () => {
  test("by all that is known of them, in one request that asks for no address", async () => {
    const id = shop.add({ email: ADDRESS, phone: PHONE, held: { email_marketing: "granted" } });
    expect(id).toBe("706405506930370084"); // which as a number is another one
    const api = await open(shop);
    expect(await held(api, email, id, ADDRESS, PHONE)).toMatchObject({ state: "granted" });
    expect(shop.requests).toMatchObject([
      {
        method: "POST",
        url: "https://lethe-sandbox.myshopify.com/admin/api/2026-07/graphql.json",
        headers: { "x-shopify-access-token": "shpat_t0ken", "content-type": "application/json" },
      },
    ]);
    expect(asked()).toMatchInlineSnapshot(`
      [
        {
          "query": "query KnownCustomers($by0: CustomerIdentifierInput!, $by1: CustomerIdentifierInput!, $by2: CustomerIdentifierInput!) {
        by0: customerByIdentifier(identifier: $by0) { ...Consents }
        by1: customerByIdentifier(identifier: $by1) { ...Consents }
        by2: customerByIdentifier(identifier: $by2) { ...Consents }
      }
      fragment Consents on Customer { id email_marketing: defaultEmailAddress { state: marketingState since: marketingUpdatedAt } sms_marketing: defaultPhoneNumber { state: marketingState since: marketingUpdatedAt } whatsapp_marketing: defaultPhoneNumber { consent: whatsAppMarketingConsent { state since: updatedAt } } }",
          "variables": {
            "by0": {
              "id": "gid://shopify/Customer/706405506930370084",
            },
            "by1": {
              "emailAddress": "carla@canary.example",
            },
            "by2": {
              "phoneNumber": "+16135550188",
            },
          },
        },
      ]
    `);
  });

  test.each([
    ["an id", (id: string) => id, { id: "gid://shopify/Customer/706405506930370084" }],
    ["an address", () => ADDRESS, { emailAddress: ADDRESS }],
    ["a number", () => PHONE, { phoneNumber: PHONE }],
  ])("by %s alone", async (_, by, identifier) => {
    const id = shop.add({ email: ADDRESS, phone: PHONE, held: { sms_marketing: "withdrawn" } });
    expect(await held(await open(shop), sms, by(id))).toMatchObject({ state: "withdrawn" });
    expect(asked()).toMatchObject([{ variables: { by0: identifier } }]);
  });

  test("not at all, where Shopify knows nobody by any of it, and then nothing is done", async () => {
    shop.add({ email: ADDRESS });
    expect(await held(await open(shop), email, "1", "nobody@canary.example", PHONE)).toBe("unknown");
    expect(await held(await open(shop), email)).toBe("unknown");
    expect(shop.requests).toHaveLength(1);
  });

  test("by an id that is Shopify's, and no other", async () => {
    expect(await held(await open(shop), email, "cus_9s6XKzkNRiz8i3")).toBe("unknown");
    expect(shop.requests).toHaveLength(0);
  });

  test("by a shared number only as far as the number goes", async () => {
    const id = shop.add({
      email: "somebody@else.example",
      phone: PHONE,
      held: { email_marketing: "granted" },
    });
    const found = await (await open(shop)).find(person("1", ADDRESS, PHONE));
    expect(found?.held(email)).toBeUndefined();
    expect(found?.held(sms)).toEqual({ state: "not_asked" });
    expect(await found?.set(email, wish("withdrawn", AT))).toEqual({ answer: "held", held: undefined });
    expect(shop.state(id, "email_marketing")).toBe("granted");
  });
});

describe("what Shopify holds", () => {
  test.each([
    ["SUBSCRIBED", { state: "granted" }],
    ["UNSUBSCRIBED", { state: "withdrawn" }],
    ["PENDING", { state: "pending" }],
    ["NOT_SUBSCRIBED", { state: "not_asked" }],
    ["INVALID", { state: "not_asked", blocked: "suppressed" }],
    ["REDACTED", { state: "not_asked", blocked: "suppressed" }],
    ["WHATEVER_COMES_NEXT", { state: "not_asked", blocked: "suppressed" }],
  ])("as %s, for each purpose", async (state, expected) => {
    const id = shop.add({ email: ADDRESS, phone: PHONE });
    const api = await open(shop);
    for (const target of [email, sms, whatsApp]) {
      shop.hold(id, target.purpose, state);
      expect(await held(api, target, id)).toEqual(expected);
    }
  });

  test("since when the person chose it", async () => {
    const id = shop.add({ email: ADDRESS, phone: PHONE });
    shop.choose(id, "email_marketing", "withdrawn");
    const { state, since = "" } = (await (await open(shop)).find(person(id)))?.held(email) ?? {};
    expect(state).toBe("withdrawn");
    expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(5_000);
  });

  test("for nothing, where there is no address or number, or no such purpose there", async () => {
    const [withAddress, withPhone] = [shop.add({ email: ADDRESS }), shop.addByPhone(PHONE)];
    const api = await open(shop);
    expect(await held(api, sms, withAddress)).toBeUndefined();
    expect(await held(api, whatsApp, withAddress)).toBeUndefined();
    expect(await held(api, email, withPhone)).toBeUndefined();
    expect(await held(api, { purpose: "postal_marketing" }, withAddress)).toBeUndefined();
    expect(await held(api, { list: "toString" }, withAddress)).toBeUndefined();
    const before = shop.requests.length;
    const found = await api.find(person(withPhone));
    expect(await found?.set(email, wish("granted", AT))).toEqual({ answer: "held", held: undefined });
    expect(shop.requests).toHaveLength(before + 1);
  });
});

describe("a choice is brought there", () => {
  const HELD = "{ state: marketingState since: marketingUpdatedAt }";
  const WHATSAPP = "{ consent: whatsAppMarketingConsent { state since: updatedAt } }";
  const marketing = {
    marketingState: "SUBSCRIBED",
    marketingOptInLevel: "CONFIRMED_OPT_IN",
    consentUpdatedAt: AT,
  };
  test.each([
    [email, "Email", `customer { held: defaultEmailAddress ${HELD} }`, { emailMarketingConsent: marketing }],
    [sms, "Sms", `customer { held: defaultPhoneNumber ${HELD} }`, { smsMarketingConsent: marketing }],
    [
      ...[whatsApp, "WhatsApp", `held: customerPhoneNumber ${WHATSAPP}`],
      { whatsAppMarketingConsent: { state: "SUBSCRIBED", optInLevel: "CONFIRMED_OPT_IN", updatedAt: AT } },
    ],
  ] as const)(
    "for %j by the mutation for it, which answers with what is held now",
    async (target, name, answer, input) => {
      const id = shop.add({ email: ADDRESS, phone: PHONE });
      const since = "2026-11-20T09:15:00.000Z"; // Shopify keeps seconds
      expect(await set(await open(shop), person(id), target, wish("granted", AT, true))).toEqual({
        answer: "held",
        held: { state: "granted", since },
      });
      expect(shop.state(id, target.purpose)).toBe("granted");
      expect(asked()[1]).toEqual({
        query: `mutation ChangeConsent($input: Customer${name}MarketingConsentUpdateInput!) {
  changed: customer${name}MarketingConsentUpdate(input: $input) { ${answer} userErrors { code } }
}`,
        variables: { input: { customerId: `gid://shopify/Customer/${id}`, ...input } },
      });
    },
  );

  test.each([email, sms, whatsApp])(
    "as an opt-out for %j, which leaves the level as it was",
    async (target) => {
      const id = shop.add({ email: ADDRESS, phone: PHONE, held: { [target.purpose]: "granted" } });
      expect(await set(await open(shop), person(id), target, wish("withdrawn", AT, true))).toMatchObject({
        held: { state: "withdrawn" },
      });
      expect(shop.state(id, target.purpose)).toBe("withdrawn");
      const [input] = Object.values(asked()[1].variables.input).slice(1);
      expect(Object.values(input as object)).toEqual(["UNSUBSCRIBED", AT]);
    },
  );

  test("as a single opt-in, where nothing was confirmed", async () => {
    const id = shop.add({ email: ADDRESS });
    await set(await open(shop), person(id), email, wish("granted", AT));
    const consent = {
      marketingState: "SUBSCRIBED",
      marketingOptInLevel: "SINGLE_OPT_IN",
      consentUpdatedAt: AT,
    };
    expect(asked()[1].variables.input.emailMarketingConsent).toEqual(consent);
  });

  test("and comes back as a webhook that says so, with the time of the choice", async () => {
    const id = shop.add({ email: ADDRESS, phone: PHONE });
    const api = await open(shop);
    for (const target of [email, sms, whatsApp]) await set(api, person(id), target, wish("granted", AT));
    const consents = (await reports(shop)).map(({ records }) => records?.slice(-1)[0]);
    expect(consents).toEqual(
      [email, sms, whatsApp].map(({ purpose }) => ({
        ...{ type: "consent", purpose, state: "granted", nature: "expressed", method: "single_opt_in" },
        occurredAt: "2026-11-20T09:15:00.000Z",
      })),
    );
  });

  test("but not over a later one, which Shopify keeps", async () => {
    const id = shop.add({ email: ADDRESS });
    shop.choose(id, "email_marketing", "withdrawn");
    const answer = await set(
      await open(shop),
      person(id),
      email,
      wish("granted", "2026-01-01T00:00:00.000Z"),
    );
    expect(answer).toMatchObject({ held: { state: "withdrawn" } });
  });

  test("everywhere, where a person who opts out is two customers, and once, where they opt in", async () => {
    const first = shop.add({ email: ADDRESS, held: { email_marketing: "granted" } });
    const second = shop.add({ email: "carla.2@canary.example", held: { email_marketing: "granted" } });
    const other = shop.add({ email: "other@canary.example", held: { email_marketing: "granted" } });
    const api = await open(shop);
    const who = person(first, ADDRESS, "carla.2@canary.example");
    expect(await set(api, who, email, wish("withdrawn", AT))).toMatchObject({ held: { state: "withdrawn" } });
    const states = () => [first, second, other].map((id) => shop.state(id, "email_marketing"));
    expect(states()).toEqual(["withdrawn", "withdrawn", "granted"]);
    await set(api, who, email, wish("granted", "2026-11-20T09:17:00.000Z"));
    expect(states().toSorted()).toEqual(["granted", "granted", "withdrawn"]);
  });
});
