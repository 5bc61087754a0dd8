import { describe, expect, test } from "vitest";
import type { Door } from "../connector.ts";
import { webhookRequest } from "../request.ts";
import { ecdsa, hmac, standardWebhooks, timestamped, urlSecret } from "../signature/index.ts";
import { acme, acmeBatch, agreeing, batch, failing, hurting } from "./acme.ts";

type Scheme = Door["signature"];

const plain = hmac({ header: "x-signature", algorithm: "sha256", encoding: "hex" });
const dated = hmac({
  header: "x-signature",
  algorithm: "sha256",
  encoding: "hex",
  signed: "{method}{url}{timestamp}.{body}",
  timestamp: { header: "x-time", format: "seconds" },
});

/** The scheme with another way of verifying, which is given the right one. */
function broken(
  scheme: Scheme,
  verify: (honest: Scheme["verify"], ...given: Parameters<Scheme["verify"]>) => ReturnType<Scheme["verify"]>,
): Scheme {
  return { ...scheme, verify: (...given) => verify(scheme.verify, ...given) };
}

describe("a connector with an honest scheme passes", () => {
  test.each<[string, Scheme]>([
    ["HMAC of the body", plain],
    ["HMAC of method, URL, time and body", dated],
    ["a list in one header", timestamped({ header: "x-signature" })],
    ["Standard Webhooks", standardWebhooks()],
    ["a private key", ecdsa({ header: "x-signature", timestampHeader: "x-time", tolerance: 60 })],
    ["a secret in the URL", urlSecret()],
  ])("%s", async (_, scheme) => {
    expect(await failing(acme(scheme))).toEqual([]);
  });

  test("also with several events and facts that must agree", async () => {
    expect(await failing(acmeBatch(plain, agreeing), [batch])).toEqual([]);
    expect(await hurting(acmeBatch(plain, agreeing), [batch])).toEqual([]);
  });
});

describe("it is found out that a scheme", () => {
  test("ignores the body", async () => {
    // The signature is checked against what was signed first, whatever stands in the body now.
    const bodies = new Map<string, Uint8Array>();
    const scheme: Scheme = {
      ...plain,
      sign: (request, secret, now) => {
        const signed = plain.sign(request, secret, now);
        bodies.set(signed.headers["x-signature"] ?? "", request.body);
        return signed;
      },
      verify: (request, secrets, now) => {
        const body = bodies.get(request.header("x-signature") ?? "") ?? request.body;
        return plain.verify({ ...request, header: request.header, body }, secrets, now);
      },
    };
    expect(await failing(acme(scheme))).toContain("refuses a changed body");
  });

  test("looks only at the beginning of the body", async () => {
    const head = (request: Parameters<Scheme["verify"]>[0]) => ({
      ...request,
      body: request.body.slice(0, 40),
    });
    const scheme: Scheme = {
      ...plain,
      sign: (request, secret, now) => plain.sign(head(request), secret, now),
      verify: (request, secrets, now) => plain.verify(head(request), secrets, now),
    };
    expect(await failing(acme(scheme))).toContain("refuses a changed body");
  });

  test("reads the body as text, and mends it", async () => {
    const text = (body: Uint8Array) => Buffer.from(new TextDecoder().decode(body).trimEnd());
    const scheme = broken(plain, (honest, request, secrets, now) =>
      honest({ ...request, body: text(request.body) }, secrets, now),
    );
    expect(await failing(acme(scheme))).toContain("refuses a changed body");
  });

  test("compares the beginning of the signature", async () => {
    const scheme = broken(plain, (_honest, request, secrets, now) => {
      const given = request.header("x-signature") ?? "";
      const fits = secrets.findIndex((secret) => {
        const right = plain.sign(request, secret, now).headers["x-signature"] ?? "";
        return secret !== "" && given.length >= 8 && right.slice(0, 8) === given.slice(0, 8);
      });
      return fits === -1 ? { ok: false, reason: "mismatch" } : { ok: true, secret: fits };
    });
    expect(await failing(acme(scheme))).toContain("refuses a changed signature");
  });

  test("accepts a signature that comes twice", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) => {
      const [first] = (request.header("x-signature") ?? "").split(/, ?/);
      const header = (name: string) => (name === "x-signature" ? first : request.header(name));
      return honest({ ...request, header }, secrets, now);
    });
    expect(await failing(acme(scheme))).toEqual(["refuses a changed signature"]);
  });

  test("accepts a signature in another encoding", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) => {
      const given = request.header("x-signature") ?? "";
      const hex = given.endsWith("=") ? Buffer.from(given, "base64").toString("hex") : given;
      const header = (name: string) => (name === "x-signature" ? hex : request.header(name));
      return honest({ ...request, header }, secrets, now);
    });
    expect(await failing(acme(scheme))).toEqual(["refuses a changed signature"]);
  });

  test("ignores timestamps, or those of the future", async () => {
    const old = broken(dated, (honest, request, secrets) =>
      honest(request, secrets, Number(request.header("x-time")) * 1_000),
    );
    const ahead = broken(dated, (honest, request, secrets, now) =>
      honest(request, secrets, Math.max(now, Number(request.header("x-time")) * 1_000)),
    );
    for (const scheme of [old, ahead])
      expect(await failing(acme(scheme))).toEqual(["refuses a request that is too old or from the future"]);
  });

  test("is stricter than it says", async () => {
    const scheme = { ...dated, tolerance: 600 };
    expect(await failing(acme(scheme))).toEqual(["refuses a request that is too old or from the future"]);
  });

  test("does not sign the timestamp that it checks", async () => {
    const scheme: Scheme = {
      ...plain,
      tolerance: 300,
      sign: (request, secret, now) => ({
        headers: { ...plain.sign(request, secret, now).headers, "x-time": String(now / 1_000) },
      }),
      verify: (request, secrets, now) => {
        const age = now / 1_000 - Number(request.header("x-time"));
        if (Number.isNaN(age)) return { ok: false, reason: "malformed_timestamp" };
        return age > 300 || age < -300
          ? { ok: false, reason: "timestamp_too_old" }
          : plain.verify(request, secrets, now);
      },
    };
    expect(await failing(acme(scheme))).toContain("refuses a changed signature");
  });

  test("says that it signs the URL, and does not", async () => {
    expect(await failing(acme({ ...plain, signs: ["body", "url", "method"] }))).toEqual([
      "refuses another method or URL",
    ]);
  });

  test("accepts an empty secret", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) =>
      secrets.includes("") ? { ok: true, secret: 0 } : honest(request, secrets, now),
    );
    expect(await failing(acme(scheme))).toEqual(["refuses other secrets and empty ones"]);
  });

  test("lets everything in while no secret is set", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) =>
      secrets.length === 0 ? { ok: true, secret: 0 } : honest(request, secrets, now),
    );
    expect(await failing(acme(scheme))).toEqual(["refuses other secrets and empty ones"]);
  });

  test("knows only the first secret", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) =>
      honest(request, secrets.slice(0, 1), now),
    );
    expect(await failing(acme(scheme))).toContain("takes both secrets while one is rotated");
  });

  test("throws at what it does not expect", async () => {
    const scheme = broken(plain, (honest, request, secrets, now) => {
      if ((request.header("x-signature") ?? "").length !== 64) throw new RangeError("length");
      return honest(request, secrets, now);
    });
    expect(await failing(acme(scheme))).toContain("refuses a changed signature");
  });

  test("takes the last of two secrets in the URL", async () => {
    const scheme = broken(urlSecret(), (honest, request, secrets, now) => {
      const [given = ""] = new URL(request.url).searchParams.getAll("secret");
      const url = `/?secret=${encodeURIComponent(given)}`;
      return honest(webhookRequest({ url }), secrets, now);
    });
    expect(await failing(acme(scheme))).toEqual(["refuses a changed signature"]);
  });
});
