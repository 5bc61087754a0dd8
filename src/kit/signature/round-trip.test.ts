import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type WebhookRequest, webhookRequest } from "../request.ts";
import { basic, hubspot, platformSchemes, type Signable, type SignatureScheme, urlSecret } from "./index.ts";

const schemes: readonly (readonly [string, SignatureScheme])[] = [
  ...Object.entries(platformSchemes),
  ["any version of HubSpot's", hubspot({ versions: ["v1", "v2", "v3"] })],
  ["Basic authentication", basic()],
  ["a secret in the URL", urlSecret()],
];

/** A request as the platform would send it, and the secret of the connection that it comes to. */
interface Sent {
  readonly request: WebhookRequest;
  readonly headers: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly now: number;
}

const sentBy = (scheme: SignatureScheme): fc.Arbitrary<Sent> =>
  fc
    .record({
      method: fc.constantFrom("POST", "PUT", "GET"),
      path: fc.webPath(),
      query: fc.webQueryParameters(),
      body: fc.uint8Array({ minLength: 1, maxLength: 200 }),
      text: fc.string({ minLength: 1, unit: "grapheme" }),
      now: fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2100, 0) }),
    })
    .map(({ method, path, query, body, text, now }) => {
      const pair = scheme.keyPair?.() ?? { secret: text, signing: text };
      const plain = webhookRequest({ method, url: `/webhooks${path}?${query}`, body });
      const signed = scheme.sign(plain, pair.signing, now);
      const headers = { ...signed.headers };
      const url = new URL(plain.url);
      for (const [name, value] of Object.entries(signed.query ?? {})) url.searchParams.set(name, value);
      const target = signed.query === undefined ? plain.url : url.href;
      return { request: withHeaders({ ...plain, url: target }, headers), headers, secret: pair.secret, now };
    });

const withHeaders = (request: WebhookRequest, headers: Readonly<Record<string, string>>): WebhookRequest => ({
  ...request,
  header: (name) => headers[name],
});

/** One bit of a text changed, so that what comes out can stand in a header or a URL, and is no other case of the same. */
function flipped(text: string, at: number): string {
  const index = at % text.length;
  return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ 1) + text.slice(index + 1);
}

describe.each(schemes)("%s", (_name, scheme) => {
  const verify = ({ request, secret, now }: Sent) => scheme.verify(request, [secret], now);
  const each = (check: (sent: Sent, at: number) => void) =>
    fc.assert(fc.property(sentBy(scheme), fc.nat(10_000), check), { numRuns: 60 });

  const whereSigned =
    (what: Signable) =>
    (name: string, check: () => void): void => {
      if (scheme.signs.includes(what)) test(name, check);
    };

  test("lets in what it signed, with any of several secrets, and says which", () => {
    each((sent) => {
      expect(verify(sent)).toEqual({ ok: true, secret: 0 });
      const other = scheme.keyPair?.().secret ?? `${sent.secret}!`;
      if (other === sent.secret) return;
      expect(scheme.verify(sent.request, ["", other, sent.secret], sent.now)).toEqual({
        ok: true,
        secret: 2,
      });
      expect(scheme.verify(sent.request, [other], sent.now).ok).toBe(false);
      expect(scheme.verify(sent.request, [], sent.now)).toEqual({ ok: false, reason: "no_secret" });
      expect(scheme.verify(sent.request, [""], sent.now)).toEqual({ ok: false, reason: "no_secret" });
    });
  });

  test("refuses it with a bit changed in any header that it added", () => {
    each((sent, at) => {
      for (const [name, value] of Object.entries(sent.headers)) {
        const request = withHeaders(sent.request, { ...sent.headers, [name]: flipped(value, at) });
        expect(verify({ ...sent, request }).ok, name).toBe(false);
      }
    });
  });

  test("refuses it without any one of the headers that it added", () => {
    each((sent) => {
      for (const name of Object.keys(sent.headers)) {
        const { [name]: _gone, ...rest } = sent.headers;
        expect(verify({ ...sent, request: withHeaders(sent.request, rest) }).ok, name).toBe(false);
      }
    });
  });

  whereSigned("body")("refuses it with a bit changed in the body", () => {
    each((sent, at) => {
      const body = Uint8Array.from(sent.request.body);
      const index = at % body.length;
      body[index] = (body[index] ?? 0) ^ (1 << (at % 8));
      expect(verify({ ...sent, request: { ...sent.request, body } }).ok).toBe(false);
    });
  });

  whereSigned("url")("refuses it at another URL", () => {
    each((sent) => {
      for (const url of [`${sent.request.url}x`, sent.request.url.replace("hub.", "hug.")])
        expect(verify({ ...sent, request: { ...sent.request, url } }).ok, url).toBe(false);
    });
  });

  whereSigned("method")("refuses it with another method", () => {
    each((sent) => {
      const request = { ...sent.request, method: "DELETE" };
      expect(verify({ ...sent, request }).ok).toBe(false);
    });
  });

  const { tolerance } = scheme;
  if (tolerance === undefined) return;
  test("refuses it too late and too early, and not before", () => {
    each((sent) => {
      const at = (seconds: number) => verify({ ...sent, now: sent.now + seconds * 1000 });
      // Most write whole seconds, so that a request can seem up to a second older than it is.
      for (const seconds of [tolerance - 1, -tolerance]) expect(at(seconds).ok).toBe(true);
      expect(at(tolerance + 1)).toEqual({ ok: false, reason: "timestamp_too_old" });
      expect(at(-tolerance - 1)).toEqual({ ok: false, reason: "timestamp_in_future" });
    });
  });
});
