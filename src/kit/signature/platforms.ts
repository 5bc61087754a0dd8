import { randomBytes } from "node:crypto";
import { byHeader } from "./by-header.ts";
import { ecdsa } from "./ecdsa.ts";
import { decodeEntities } from "./entities.ts";
import { hmac } from "./hmac.ts";
import { hubspot } from "./hubspot.ts";
import type { SignatureScheme } from "./scheme.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { timestamped } from "./timestamped.ts";
import { twilio } from "./twilio.ts";

const SHA256_HEX = { algorithm: "sha256", encoding: "hex" } as const;
const SHA256_BASE64 = { algorithm: "sha256", encoding: "base64" } as const;
const SHA1_HEX = { algorithm: "sha1", encoding: "hex" } as const;
const SHA1_BASE64 = { algorithm: "sha1", encoding: "base64" } as const;

/** How well-known platforms sign, by name, so that a configuration can say `{"scheme": "github"}`. */
export const platformSchemes = {
  // https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
  calendly: timestamped({ header: "calendly-webhook-signature", tolerance: 180 }),
  // https://docs.customer.io/journeys/webhooks/
  customerio: hmac({
    header: "x-cio-signature",
    ...SHA256_HEX,
    signed: "v0:{timestamp}:{body}",
    timestamp: { header: "x-cio-timestamp", format: "seconds" },
  }),
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  github: hmac({ header: "x-hub-signature-256", ...SHA256_HEX, prefix: "sha256=" }),
  // https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation; the older
  // versions can be replayed, so that they have to be asked for.
  hubspot: hubspot(),
  "hubspot-v1": hubspot({ versions: ["v1"] }),
  "hubspot-v2": hubspot({ versions: ["v2"] }),
  // https://developers.intercom.com/docs/webhooks/webhook-notifications
  intercom: hmac({ header: "x-hub-signature", ...SHA1_HEX, prefix: "sha1=" }),
  // https://developers.klaviyo.com/en/docs/working_with_system_webhooks; the order, body before timestamp, is the one of
  // its sample code.
  klaviyo: hmac({
    header: "klaviyo-signature",
    ...SHA256_HEX,
    signed: "{body}{timestamp}",
    // A day, because its "GMT" may be another zone's time: in the tests of an independent client (PHP, namespace
    // nickdnk\Klaviyo) a request is stamped five hours ahead of the UTC time in its own body.
    timestamp: { header: "klaviyo-timestamp", format: "http-date", tolerance: 86_400 },
  }),
  // https://developer.paddle.com/webhooks/signature-verification
  paddle: timestamped({
    header: "paddle-signature",
    separator: ";",
    names: { time: "ts", signature: "h1" },
    joiner: ":",
    tolerance: 5,
  }),
  // https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/managing-webhooks-notifications
  quickbooks: hmac({ header: "intuit-signature", ...SHA256_BASE64 }),
  // https://www.twilio.com/docs/segment/connections/destinations/catalog/actions-webhook
  segment: hmac({ header: "x-signature", ...SHA1_HEX }),
  sendgrid: ecdsa({
    header: "x-twilio-email-event-webhook-signature",
    timestampHeader: "x-twilio-email-event-webhook-timestamp",
  }),
  // https://shopify.dev/docs/apps/build/webhooks/subscribe/https; the newer family of headers goes first, as in Shopify's SDK
  shopify: byHeader(
    hmac({ header: "shopify-hmac-sha256", ...SHA256_BASE64 }),
    hmac({ header: "x-shopify-hmac-sha256", ...SHA256_BASE64 }),
  ),
  // https://developer.squareup.com/docs/webhooks/step3validate
  square: hmac({ header: "x-square-hmacsha256-signature", ...SHA256_BASE64, signed: "{url}{body}" }),
  "standard-webhooks": standardWebhooks(),
  // https://docs.stripe.com/webhooks#verify-manually
  stripe: timestamped({ header: "stripe-signature" }),
  // https://api.surveymonkey.com/v3/docs#webhooks
  surveymonkey: hmac({
    header: "sm-signature",
    ...SHA1_BASE64,
    secret: {
      form: /^[^&\s]+&\S+$/,
      is: "the app's client id and its secret, joined by an & (client_id&client_secret)",
      example: () => `client-id&${randomBytes(16).toString("hex")}`,
    },
  }),
  svix: standardWebhooks({ family: "svix" }),
  twilio: twilio(),
  // https://www.typeform.com/developers/webhooks/secure-your-webhooks/
  typeform: hmac({ header: "typeform-signature", ...SHA256_BASE64, prefix: "sha256=" }),
  // https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks
  woocommerce: hmac({ header: "x-wc-webhook-signature", ...SHA256_BASE64, key: decodeEntities }),
  // https://developer.zendesk.com/documentation/webhooks/verifying/
  zendesk: hmac({
    header: "x-zendesk-webhook-signature",
    ...SHA256_BASE64,
    signed: "{timestamp}{body}",
    timestamp: { header: "x-zendesk-webhook-signature-timestamp", format: "iso" },
  }),
} as const satisfies Record<string, SignatureScheme>;
