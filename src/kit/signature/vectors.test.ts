import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { webhookRequest } from "../request.ts";
import { platformSchemes, type SignatureScheme } from "./index.ts";

/** Known answers made by the platforms' own SDKs, tests and documentation, where they lie beside the project. */
const FOLDER = fileURLToPath(new URL("../../../../shared/vectors", import.meta.url));

const Vector = z.object({
  kind: z.string(),
  request: z.object({
    method: z.string(),
    url: z.string().nullable(),
    headers: z.record(z.string(), z.string()),
    body_base64: z.string(),
  }),
  secret: z.string().nullable(),
  now_unix: z.number().nullable(),
  expected: z.looseObject({
    verdict: z.string().optional(),
    signature: z.string().optional(),
    reason: z.string().optional(),
  }),
});
type Vector = z.output<typeof Vector>;

const schemes = new Map<string, SignatureScheme>(Object.entries(platformSchemes));

/** HubSpot's versions are schemes of their own; a request says which one it is. */
function schemeFor(platform: string, { request }: Vector): SignatureScheme | undefined {
  const named = Object.entries(request.headers).find(([name]) => /^x-hubspot-signature-version$/i.test(name));
  return schemes.get(named === undefined ? platform : `${platform}-${named[1]}`);
}

const vectors = existsSync(FOLDER)
  ? [...schemes.keys()]
      .filter((platform) => existsSync(`${FOLDER}/${platform}`))
      .flatMap((platform) =>
        readdirSync(`${FOLDER}/${platform}`).map((file) => ({
          name: `${platform}/${file}`,
          platform,
          vector: Vector.parse(JSON.parse(readFileSync(`${FOLDER}/${platform}/${file}`, "utf8"))),
        })),
      )
      .filter(({ vector }) => vector.kind.startsWith("signature-vector"))
  : [];

describe.skipIf(vectors.length === 0)("the platforms' own known answers to a signature", () => {
  test.each(vectors)("$name", ({ platform, vector }) => {
    const { request, secret, expected } = vector;
    const verdict = schemeFor(platform, vector)?.verify(
      webhookRequest({
        method: request.method,
        url: request.url ?? "/",
        headers: request.headers,
        body: Buffer.from(request.body_base64, "base64"),
      }),
      [secret ?? ""],
      clockOf(vector) * 1000,
    );
    // Other headers that a connector requires are not the scheme's business: such a signature itself is valid.
    const valid =
      expected.reason === "missing_headers" || /^valid/.test(expected.signature ?? expected.verdict ?? "");
    expect(verdict?.ok).toBe(valid);
  });
});

/** The vector's clock, or else the time that the request names itself: an old recording is not stale. */
function clockOf(vector: Vector): number {
  if (vector.now_unix !== null) return vector.now_unix;
  const named = Object.entries(vector.request.headers).find(([name]) => /timestamp$/i.test(name))?.[1];
  return Number(named ?? 0) || 0;
}
