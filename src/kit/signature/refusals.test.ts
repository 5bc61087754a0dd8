import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { webhookRequest } from "../request.ts";
import {
  basic,
  byHeader,
  ecdsa,
  hmac,
  hubspot,
  type SignatureScheme,
  standardWebhooks,
  timestamped,
  twilio,
  urlSecret,
} from "./index.ts";

const NOW = Date.UTC(2026, 10, 20, 9, 15);
const SECONDS = NOW / 1000;

const hex = hmac({ header: "x-signature", algorithm: "sha256", encoding: "hex", prefix: "sha256=" });
const dated = hmac({
  header: "x-signature",
  algorithm: "sha256",
  encoding: "base64",
  signed: "{timestamp}.{body}",
  timestamp: { header: "x-time", format: "seconds" },
});
const digest = Buffer.alloc(32).toString("base64");

const because = (scheme: SignatureScheme, headers: Record<string, string>, secret = "secret", url = "/") => {
  const verdict = scheme.verify(webhookRequest({ url, headers, body: "Hello" }), [secret], NOW);
  return verdict.ok ? "let in" : verdict.reason;
};

describe("a signature is refused for a reason", () => {
  test.each([
    ["", "missing_signature"],
    ["sha256=", "malformed_signature"],
    ["sha1=abc", "malformed_signature"],
    [`sha256=${"z".repeat(64)}`, "malformed_signature"],
    [`sha256=${"a".repeat(64)}`, "mismatch"],
    [`sha256=${"a".repeat(66)}`, "malformed_signature"],
    [`sha256=${"a".repeat(64)}\n`, "malformed_signature"],
    [`sha256=${"a".repeat(64)}, sha256=${"a".repeat(64)}`, "malformed_signature"],
  ])("in one header: %j → %s", (value, reason) => {
    expect(because(hex, { "x-signature": value })).toBe(reason);
  });

  test.each([
    [{}, "missing_signature"],
    [{ "x-signature": digest }, "missing_timestamp"],
    [{ "x-signature": digest, "x-time": "" }, "missing_timestamp"],
    [{ "x-signature": digest, "x-time": "soon" }, "malformed_timestamp"],
    [{ "x-signature": digest, "x-time": ` ${SECONDS}` }, "malformed_timestamp"],
    [{ "x-signature": digest, "x-time": `${SECONDS}.5` }, "malformed_timestamp"],
    [{ "x-signature": digest, "x-time": `-${SECONDS}` }, "malformed_timestamp"],
    [{ "x-signature": digest.slice(1), "x-time": `${SECONDS}` }, "malformed_signature"],
    [{ "x-signature": digest, "x-time": `${SECONDS}` }, "mismatch"],
  ])("with a timestamp beside it: %j → %s", (headers, reason) => {
    expect(because(dated, headers as Record<string, string>)).toBe(reason);
  });

  test.each([
    ["", "missing_signature"],
    ["v1=aa", "missing_timestamp"],
    ["t=1", "missing_signature"],
    ["t=x,v1=aa", "malformed_timestamp"],
    ["t=1,t=2,v1=aa", "malformed_timestamp"],
    ["t=-5,v1=aa", "malformed_timestamp"],
    ["t=0,v1=aa", "malformed_timestamp"],
    ["t=1,v0=aa", "missing_signature"],
    ["t=1;v1=aa", "malformed_signature"],
    ["nonsense", "malformed_signature"],
  ])("with a timestamp in it: %s → %s", (value, reason) => {
    expect(because(timestamped({ header: "x" }), { x: value })).toBe(reason);
  });

  const message = { "webhook-id": "msg_1", "webhook-timestamp": `${SECONDS}` };
  test.each([
    [{ ...message }, "missing_signature"],
    [{ ...message, "webhook-signature": `v1,${digest}`, "webhook-id": "" }, "missing_header"],
    [{ ...message, "webhook-signature": `v1,${digest}`, "webhook-timestamp": "" }, "missing_timestamp"],
    [
      { ...message, "webhook-signature": `v1,${digest}`, "webhook-timestamp": "hello" },
      "malformed_timestamp",
    ],
    [{ ...message, "webhook-signature": `v1a,${digest} v2,${digest}` }, "missing_signature"],
    [{ ...message, "webhook-signature": "v1,dawfeoifkpqwoekfpqoekf v1," }, "malformed_signature"],
    [{ ...message, "webhook-signature": `v1,${digest}` }, "mismatch"],
    [{ ...message, "svix-signature": `v1,${digest}` }, "missing_header"],
  ])("of Standard Webhooks: %j → %s", (headers, reason) => {
    expect(because(standardWebhooks(), headers as Record<string, string>, "whsec_MfKQ9r8GKYqr")).toBe(reason);
  });

  const scheme = ecdsa({ header: "x-signature", timestampHeader: "x-time" });
  const spki = scheme.keyPair?.().secret ?? "";
  test.each([
    [{ "x-time": `${SECONDS}` }, "missing_signature"],
    [{ "x-signature": "MEUC" }, "missing_timestamp"],
    [{ "x-signature": "MEUC", "x-time": "timestamp" }, "malformed_timestamp"],
    [{ "x-signature": "not base64", "x-time": `${SECONDS}` }, "malformed_signature"],
    [{ "x-signature": digest, "x-time": `${SECONDS}` }, "malformed_signature"],
    [{ "x-signature": "MEUC", "x-time": `${SECONDS}` }, "mismatch"],
  ])("of a key pair: %j → %s", (headers, reason) => {
    expect(because(scheme, headers as Record<string, string>, spki)).toBe(reason);
  });

  const sha256 = "a".repeat(64);
  const anyHubSpot = hubspot({ versions: ["v1", "v2", "v3"] });
  test.each([
    [{}, "missing_signature"],
    [{ "x-hubspot-signature": sha256 }, "missing_header"],
    [{ "x-hubspot-signature": sha256, "x-hubspot-signature-version": "v4" }, "malformed_signature"],
    [{ "x-hubspot-signature": sha256, "x-hubspot-signature-version": "v3" }, "malformed_signature"],
    [{ "x-hubspot-signature": "abc", "x-hubspot-signature-version": "v1" }, "malformed_signature"],
    [{ "x-hubspot-signature": sha256, "x-hubspot-signature-version": "v1" }, "mismatch"],
    [{ "x-hubspot-signature-v3": digest }, "missing_timestamp"],
    [{ "x-hubspot-signature-v3": digest, "x-hubspot-request-timestamp": `${NOW}` }, "mismatch"],
  ])("of HubSpot: %j → %s", (headers, reason) => {
    expect(because(anyHubSpot, headers as Record<string, string>)).toBe(reason);
  });

  test.each([
    ["", "missing_signature"],
    ["Bearer abc", "malformed_signature"],
    ["Basic", "malformed_signature"],
    ["Basic dXNlcg==", "malformed_signature"],
    ["Basic dXNlcjpwYXNz!", "malformed_signature"],
    ["Basic dXNlcjpwYXNz", "let in"],
    ["basic dXNlcjpwYXNz", "let in"],
    ["Basic dXNlcjpwYXNzMg==", "mismatch"],
  ])("of Basic authentication: %s → %s", (authorization, reason) => {
    expect(because(basic(), { authorization }, "user:pass")).toBe(reason);
  });

  test.each([
    ["/?secret=s3cret", "let in"],
    ["/?secret=s3cret2", "mismatch"],
    ["/?Secret=s3cret", "missing_signature"],
    ["/?secret=s3cret&secret=s3cret", "malformed_signature"],
  ])("in the URL: %s → %s", (url, reason) => {
    expect(because(urlSecret(), {}, "s3cret", url)).toBe(reason);
  });
});

describe("no secret", () => {
  const sign = (scheme: SignatureScheme, secret: string) =>
    scheme.sign(webhookRequest({ body: "Hello" }), secret, NOW);

  test.each([
    ["is an empty one", hex, "", ""],
    [
      "is what is not base64, to Standard Webhooks",
      standardWebhooks(),
      "whsec_MfKQ9r8GKYqr",
      "whsec_not base64",
    ],
    ["is an empty key, to Standard Webhooks", standardWebhooks(), "whsec_MfKQ9r8GKYqr", "whsec_"],
    ["is an empty token, to Twilio", twilio(), "token", ""],
    ["is an empty password with nothing before it", basic(), "user:pass", ""],
  ])("%s", (_name, scheme, signing, secret) => {
    expect(because(scheme, sign(scheme, signing).headers, secret)).toBe("no_secret");
  });

  test("is a private key, a key on another curve, or a text, where the platform's public key should be", () => {
    const scheme = ecdsa({ header: "x-signature", timestampHeader: "x-time" });
    const pair = scheme.keyPair?.() ?? { secret: "", signing: "" };
    const { headers } = sign(scheme, pair.signing);
    const onP384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" })
      .publicKey.export({ format: "der", type: "spki" })
      .toString("base64");
    expect(because(scheme, headers, pair.secret)).toBe("let in");
    for (const secret of [pair.signing, "text", onP384])
      expect(because(scheme, headers, secret)).toBe("no_secret");
  });
});

describe("a scheme is refused when it is made", () => {
  const options = { header: "x", algorithm: "sha256", encoding: "hex" } as const;
  const timestamp = { header: "x-time", format: "seconds" } as const;

  test.each([
    ["with an unknown placeholder", () => hmac({ ...options, signed: "{body}{nonce}" }), "{nonce}"],
    ["that signs nothing of the request", () => hmac({ ...options, signed: "hello" }), "must hold {body}"],
    [
      "that signs everything but the body, so that one signature would do for any",
      () => hmac({ ...options, signed: "{method}{url}{timestamp}", timestamp }),
      "must hold {body}",
    ],
    [
      "that signs a timestamp from nowhere",
      () => hmac({ ...options, signed: "{timestamp}{body}" }),
      "if, and only if",
    ],
    ["with a timestamp that is not signed", () => hmac({ ...options, timestamp }), "if, and only if"],
    [
      "with a tolerance of nothing",
      () => hmac({ ...options, signed: "{timestamp}{body}", timestamp: { ...timestamp, tolerance: 0 } }),
      "positive number of seconds",
    ],
    ["with a tolerance for ever", () => timestamped({ header: "x", tolerance: Infinity }), "positive number"],
    ["for HubSpot without a version", () => hubspot({ versions: [] }), "at least one version"],
  ])("%s", (_name, make, message) => {
    expect(make).toThrow(message);
  });
});

test("only the platform can sign for a connection that holds its public key", () => {
  const scheme = ecdsa({ header: "x", timestampHeader: "y" });
  const { secret } = scheme.keyPair?.() ?? { secret: "" };
  const sign = () => scheme.sign(webhookRequest({ body: "" }), secret, NOW);
  expect(sign).toThrow(expect.objectContaining({ code: "connector/cannot-sign" }));
  expect(sign).toThrow(expect.not.objectContaining({ message: expect.stringContaining(secret) }));
});

test("of several schemes behind one door, the first whose header is there decides", () => {
  const other = hmac({ header: "x-old", algorithm: "sha1", encoding: "hex" });
  const either = byHeader(hex, other);
  const old = other.sign(webhookRequest({ body: "Hello" }), "secret", NOW).headers;
  expect(because(either, old)).toBe("let in");
  expect(because(either, { ...old, "x-signature": `sha256=${"a".repeat(64)}` })).toBe("mismatch");
});
