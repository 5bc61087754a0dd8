import { describe, expect, test } from "vitest";
import { webhookRequest } from "../request.ts";
import { hmac, hubspot, type SignatureScheme } from "./index.ts";
import { platformSchemes } from "./platforms.ts";

interface Example {
  readonly scheme: SignatureScheme;
  readonly secret: string;
  readonly method?: string;
  readonly url?: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Milliseconds since the epoch; where no time is signed, any. */
  readonly now?: number;
}

// https://docs.svix.com/receiving/verifying-payloads/how-manual
const svix: Example = {
  scheme: platformSchemes.svix,
  secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
  headers: {
    "svix-id": "msg_loFOjxBNrRLzqYUf",
    "svix-timestamp": "1731705121",
    "svix-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
  },
  body: '{"event_type":"ping","data":{"success":true}}',
  now: 1_731_705_121_000,
};

const HUBSPOT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";

// https://legacydocs.hubspot.com/docs/faq/v1-request-validation
const hubspotV1: Example = {
  scheme: platformSchemes["hubspot-v1"],
  secret: HUBSPOT_SECRET,
  headers: {
    "x-hubspot-signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
    "x-hubspot-signature-version": "v1",
  },
  body: '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
};

// https://legacydocs.hubspot.com/docs/faq/v2-request-validation
const hubspotV2: Example = {
  scheme: platformSchemes["hubspot-v2"],
  secret: HUBSPOT_SECRET,
  url: "https://www.example.com/webhook_uri",
  headers: {
    "x-hubspot-signature": "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
    "x-hubspot-signature-version": "v2",
  },
  body: '{"example_field":"example_value"}',
};

// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
const github: Example = {
  scheme: platformSchemes.github,
  secret: "It's a Secret to Everybody",
  headers: {
    "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
  },
  body: "Hello, World!",
};

// https://github.com/square/square-nodejs-sdk/blob/master/tests/integration/webhooks.test.ts
const square: Example = {
  scheme: platformSchemes.square,
  secret: "signature-key",
  url: "https://webhook.site/webhooks",
  headers: { "x-square-hmacsha256-signature": "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=" },
  body: '{"data":{"type":"webhooks","id":"fake_id"}}',
};

// https://github.com/twilio/twilio-node/blob/main/spec/validation.spec.js
const TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2";
const FORM =
  "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
const JSON_BODY = '{"property": "value", "boolean": true}';
const JSON_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const twilio = (url: string, body: string, signature: string): Example => ({
  scheme: platformSchemes.twilio,
  secret: "12345",
  url,
  headers: { "x-twilio-signature": signature },
  body,
});

const examples: readonly (readonly [string, Example])[] = [
  ["Svix", svix],
  ["HubSpot v1", hubspotV1],
  ["HubSpot v2", hubspotV2],
  ["GitHub", github],
  ["Square", square],
  ["Twilio: a form", twilio(TWILIO_URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")],
  [
    "Twilio: a form in another order",
    twilio(TWILIO_URL, FORM.split("&").reverse().join("&"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
  ],
  [
    "Twilio: a port that was not signed",
    twilio(TWILIO_URL.replace(".com", ".com:1234"), FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
  ],
  [
    "Twilio: a port that was signed",
    twilio("http://mycompany.com:1234/myapp.php?foo=1&bar=2", FORM, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
  ],
  ["Twilio: port 443, signed and not in the URL", twilio(TWILIO_URL, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w=")],
  [
    "Twilio: port 80, signed and not in the URL",
    twilio(TWILIO_URL.replace("https", "http"), FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
  ],
  [
    "Twilio: a URL with credentials",
    twilio(TWILIO_URL.replace("//", "//user:pass@"), FORM, "CukzLTc1tT5dXEDIHm/tKBanW10="),
  ],
  [
    "Twilio: a URL with a user",
    twilio(TWILIO_URL.replace("//", "//user@"), FORM, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
  ],
  [
    "Twilio: a URL with credentials, and a port that was signed",
    twilio(TWILIO_URL.replace("//", "//user:pass@"), FORM, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
  ],
  [
    "Twilio: an apostrophe in the URL",
    twilio(`${TWILIO_URL}&Body=It's+amazing`, FORM, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
  ],
  [
    "Twilio: a parameter with two values",
    twilio(
      TWILIO_URL,
      "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
      "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
  ],
  [
    "Twilio: a value that comes twice",
    twilio(
      TWILIO_URL,
      "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
      "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
  ],
  [
    "Twilio: JSON",
    twilio(`${TWILIO_URL}&bodySHA256=${JSON_HASH}`, JSON_BODY, "a9nBmqA0ju/hNViExpshrM61xv4="),
  ],
  [
    "Twilio: JSON, and nothing else in the query",
    twilio(
      `https://mycompany.com/myapp.php?bodySHA256=${JSON_HASH}`,
      JSON_BODY,
      "y77kIzt2vzLz71DgmJGsen2scGs=",
    ),
  ],
];

const verify = ({ scheme, secret, now = 0, ...request }: Example) =>
  scheme.verify(webhookRequest(request), [secret], now);

describe("what a platform documents or its SDK tests", () => {
  test.each(examples)("is let in: %s", (_name, example) => {
    expect(verify(example)).toEqual({ ok: true, secret: 0 });
  });

  test.each(examples)("is refused with another secret or URL or body: %s", (_name, example) => {
    // Base64, for whom that matters.
    expect(verify({ ...example, secret: "whsec_AAAA" })).toEqual({ ok: false, reason: "mismatch" });
    expect(verify({ ...example, body: `${example.body}x` })).toEqual({ ok: false, reason: "mismatch" });
    if (example.scheme.signs.includes("url"))
      expect(verify({ ...example, url: `${example.url}&x=1` })).toEqual({ ok: false, reason: "mismatch" });
  });
});

describe("HubSpot", () => {
  const request = {
    method: "POST",
    url: "https://hub.example.com/webhooks?at=hs%3aapp%2Fv3&x=%28a%29&y=%20",
    body: "{}",
  };
  const now = 1_700_000_000_123;
  // By the documentation's words: these escapes undone, others not.
  const v3 = hmac({
    header: "x-hubspot-signature-v3",
    algorithm: "sha256",
    encoding: "base64",
    signed: "{method}https://hub.example.com/webhooks?at=hs:app/v3&x=(a)&y=%20{body}{timestamp}",
    timestamp: { header: "x-hubspot-request-timestamp", format: "milliseconds" },
  });
  const signed = v3.sign(webhookRequest(request), HUBSPOT_SECRET, now).headers;
  const old = platformSchemes["hubspot-v1"].sign(webhookRequest(request), HUBSPOT_SECRET, now).headers;
  const any = hubspot({ versions: ["v1", "v2", "v3"] });
  const verdict = (headers: Record<string, string>, scheme: SignatureScheme = any) =>
    scheme.verify(webhookRequest({ ...request, headers }), [HUBSPOT_SECRET], now);

  test("v3 undoes the documented escapes in the URL, and no others", () => {
    for (const scheme of [any, platformSchemes.hubspot])
      expect(verdict(signed, scheme)).toEqual({ ok: true, secret: 0 });
  });

  test("v3 counts where it is there, whatever older signature comes along", () => {
    const forged = { ...signed, "x-hubspot-signature-v3": Buffer.alloc(32).toString("base64") };
    expect(verdict({ ...forged, ...old })).toEqual({ ok: false, reason: "mismatch" });
  });

  test("v3 is insisted on unless older versions are named, so that leaving it out does not help", () => {
    expect(verdict(old)).toEqual({ ok: true, secret: 0 });
    for (const scheme of [hubspot(), platformSchemes.hubspot])
      expect(verdict(old, scheme)).toEqual({ ok: false, reason: "missing_signature" });
    expect(verdict(old, hubspot({ versions: ["v2", "v3"] }))).toEqual({
      ok: false,
      reason: "malformed_signature",
    });
  });

  test("says that it signs no more than the weakest version that it takes", () => {
    expect(any.signs).toEqual(["body"]);
    expect(hubspot().signs).toEqual(["method", "url", "body", "timestamp"]);
  });
});

describe("several signatures in one header", () => {
  const good = svix.headers["svix-signature"] ?? "";
  const other = `v1,${Buffer.alloc(32).toString("base64")}`;
  const ofSvix = (signature: string) =>
    verify({ ...svix, headers: { ...svix.headers, "svix-signature": signature } }).ok;
  const { stripe } = platformSchemes;
  const { "stripe-signature": signed = "" } = stripe.sign(
    webhookRequest({ body: "{}" }),
    "new",
    1_000,
  ).headers;
  const ofStripe = (value: string) =>
    stripe.verify(
      webhookRequest({ headers: { "Stripe-Signature": value }, body: "{}" }),
      ["old", "new"],
      1_000,
    );

  test("are all tried, wherever the one stands that fits", () => {
    for (const value of [`${other} ${good}`, `${good} ${other}`, `v1a,x v2,${other} ${good} v1,junk`])
      expect(ofSvix(value), value).toBe(true);
    const mac = signed.split("v1=")[1] ?? "";
    for (const value of [
      `t=1,v1=${"0".repeat(64)},v1=${mac}`,
      `t=1, v1=${mac}, v0=x`,
      `v1=${mac},v1=junk,t=1`,
    ])
      expect(ofStripe(value), value).toEqual({ ok: true, secret: 1 });
  });

  test("do not count under another version's name", () => {
    expect(ofSvix(good.replace("v1", "v2"))).toBe(false);
    expect(ofSvix(good.replace("v1", "v1a"))).toBe(false);
    expect(ofStripe(signed.replace("v1=", "v0="))).toEqual({ ok: false, reason: "missing_signature" });
  });

  test("of two families of headers, the platform's own decides", () => {
    const { "svix-id": id = "", "svix-timestamp": time = "" } = svix.headers;
    const both = { ...svix.headers, "webhook-id": id, "webhook-timestamp": time, "webhook-signature": other };
    expect(verify({ ...svix, headers: both }).ok).toBe(true);
    expect(verify({ ...svix, scheme: platformSchemes["standard-webhooks"], headers: both }).ok).toBe(false);
  });
});

test("Klaviyo's timestamp is signed as it is written, and may be in a zone that is not the one it names", () => {
  const stamp = "Tue, 14 Apr 2026 03:50:12 +0000";
  const sent = Date.UTC(2026, 3, 13, 22, 50, 12);
  const body = '{"meta":{"timestamp":"2026-04-13T22:50:12.101159+00:00"}}';
  const mac = hmac({ header: "x", algorithm: "sha256", encoding: "hex" });
  const signature = mac.sign(webhookRequest({ body: body + stamp }), "s", 0).headers["x"] ?? "";
  const verdict = (text: string, now = sent) =>
    platformSchemes.klaviyo.verify(
      webhookRequest({ headers: { "Klaviyo-Signature": signature, "Klaviyo-Timestamp": text }, body }),
      ["s"],
      now,
    );
  expect(verdict(stamp)).toEqual({ ok: true, secret: 0 });
  expect(verdict(stamp.replace("+0000", "GMT"))).toEqual({ ok: false, reason: "mismatch" });
  expect(verdict("2026-04-14T03:50:12Z")).toEqual({ ok: false, reason: "malformed_timestamp" });
  expect(verdict(stamp, sent + 3 * 86_400_000)).toEqual({ ok: false, reason: "timestamp_too_old" });
});
