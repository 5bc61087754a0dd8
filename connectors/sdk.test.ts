import "@shopify/shopify-api/adapters/node";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import Stripe from "stripe";
import { describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { loadFixtures, receive, signFixture, webhookRequest } from "#kit";

const secret = "whsec_shared_with_the_sdk";
const fixture = (platform: string, name: string) => {
  const found = loadFixtures(`fixtures/${platform}`).find((candidate) => candidate.name === name);
  const connector = connectors.get(platform);
  if (found === undefined || connector === undefined) throw new Error(`no fixture ${platform}/${name}`);
  return { fixture: found, connector };
};

describe("what the official SDKs sign and accept", () => {
  const stripe = new Stripe("sk_test_unused");

  test("Stripe's signature verifies here, and ours there", () => {
    const { fixture: event, connector } = fixture("stripe", "customer-created");
    const now = Date.now();
    const theirs = stripe.webhooks.generateTestHeaderString({
      payload: event.body,
      secret,
      timestamp: Math.floor(now / 1000),
    });
    const request = webhookRequest({
      headers: { ...event.headers, "stripe-signature": theirs },
      body: event.body,
    });
    expect(receive(connector, request, { secrets: [secret], account: null }, now).kind).toBe("delivery");
    const ours = signFixture(connector, event, secret, now);
    const parsed = stripe.webhooks.constructEvent(event.body, ours.headers["stripe-signature"] ?? "", secret);
    expect(parsed.type).toBe("customer.created");
  });

  test("a Stripe signature made with the old and the new secret verifies with either", () => {
    const { fixture: event, connector } = fixture("stripe", "customer-created");
    const now = Date.now();
    const header = (of: string) =>
      stripe.webhooks.generateTestHeaderString({
        payload: event.body,
        secret: of,
        timestamp: Math.floor(now / 1000),
      });
    const both = `${header("old")},${header("new").split(",")[1]}`;
    for (const one of ["old", "new"])
      expect(
        receive(
          connector,
          webhookRequest({ headers: { "stripe-signature": both }, body: event.body }),
          { secrets: [one], account: null },
          now,
        ).kind,
      ).toBe("delivery");
  });

  test("a timestamp from the future passes the Stripe SDK, and is refused here", () => {
    const { fixture: event, connector } = fixture("stripe", "customer-created");
    const tomorrow = Date.now() + 86_400_000;
    const signed = signFixture(connector, event, secret, tomorrow);
    expect(() =>
      stripe.webhooks.constructEvent(event.body, signed.headers["stripe-signature"] ?? "", secret),
    ).not.toThrow();
    expect(receive(connector, signed, { secrets: [secret], account: null }, Date.now())).toEqual({
      kind: "refused",
      reason: "timestamp_in_future",
    });
  });

  test("Shopify's SDK accepts what we sign", async () => {
    const shopify = shopifyApi({
      apiKey: "key",
      apiSecretKey: secret,
      scopes: [],
      hostName: "hub.example.com",
      apiVersion: ApiVersion.July25,
      isEmbeddedApp: false,
      logger: { log: () => {} },
    });
    const { fixture: event, connector } = fixture("shopify", "customers-create");
    const { headers, body } = signFixture(connector, event, secret, Date.now());
    const rawRequest = { method: "POST", url: "/", headers: { ...headers } };
    const verdict = await shopify.webhooks.validate({
      rawBody: Buffer.from(body).toString(),
      rawRequest: rawRequest as never,
      rawResponse: {} as never,
    });
    expect(verdict.valid).toBe(true);
  });
});
