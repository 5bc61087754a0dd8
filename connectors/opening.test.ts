import { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connectors } from "#connectors";
import { simulateCustomerIo } from "../test/support/platforms/customerio.ts";
import { simulateEventbrite } from "../test/support/platforms/eventbrite.ts";
import { simulateKlaviyo } from "../test/support/platforms/klaviyo.ts";
import { simulateMailchimp } from "../test/support/platforms/mailchimp.ts";
import { simulateQuickBooks } from "../test/support/platforms/quickbooks.ts";
import { simulateShopify } from "../test/support/platforms/shopify.ts";
import { simulateStripe } from "../test/support/platforms/stripe.ts";
import { simulateSurveyMonkey } from "../test/support/platforms/surveymonkey.ts";
import { simulateWooCommerce } from "../test/support/platforms/woocommerce.ts";

/** New credentials are tried by opening the API with them: a command may do that at once, wherever it runs. */
const simulated = new Map(
  [
    ...[simulateShopify(), simulateMailchimp(), simulateKlaviyo(), simulateCustomerIo(), simulateStripe()],
    ...[simulateWooCommerce(), simulateQuickBooks(), simulateEventbrite(), simulateSurveyMonkey()],
  ].map((platform) => [platform.connector, platform]),
);

afterEach(() => vi.restoreAllMocks());

describe("to open a platform's API asks the platform for nothing", () => {
  const withApi = [...connectors.values()].filter(({ consent, rights }) => consent ?? rights);

  test.each(withApi)("$name", async ({ id, consent, rights }) => {
    const platform = simulated.get(id);
    if (platform === undefined) throw new Error(`no simulated ${id} to take credentials from`);
    const { account = null } = platform;
    const credentials = platform.credentials as never;
    const current = vi.fn(async () => platform.credentials);
    const connected = vi.spyOn(Socket.prototype, "connect").mockImplementation(() => {
      throw new Error("it connects");
    });
    await consent?.open(credentials, account);
    await rights?.open(credentials, account, { current, renew: current });
    expect(connected).not.toHaveBeenCalled();
  });
});
