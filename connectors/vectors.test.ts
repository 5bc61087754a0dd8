import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { connectors } from "#connectors";
import { parseBody, receive, webhookRequest } from "#kit";
import { hmac } from "../src/kit/signature/compare.ts";

/** Known answers made by the platforms' own SDKs, tests and documentation, where they lie beside the project. */
const FOLDER = fileURLToPath(new URL("../../shared/vectors", import.meta.url));

const Vector = z.object({
  kind: z.string(),
  request: z.object({
    method: z.string(),
    headers: z.record(z.string(), z.string()),
    body_base64: z.string(),
  }),
  secret: z.string().nullable(),
  now_unix: z.number().nullable(),
  expected: z.looseObject({
    verdict: z.string().optional(),
    signature: z.string().optional(),
    topic: z.string().optional(),
    tenant: z.string().optional(),
    event_id: z.string().optional(),
    list_id: z.string().optional(),
    fields: z.record(z.string(), z.string()).optional(),
    hmac_sha256_hex: z.string().optional(),
  }),
});

const vectors = ["shopify", "stripe", "mailchimp", "quickbooks"].flatMap((platform) =>
  existsSync(FOLDER)
    ? readdirSync(`${FOLDER}/${platform}`).map((file) => ({
        name: `${platform}/${file}`,
        platform,
        vector: Vector.parse(JSON.parse(readFileSync(`${FOLDER}/${platform}/${file}`, "utf8"))),
      }))
    : [],
);

describe.skipIf(vectors.length === 0)("the platforms' own known answers", () => {
  test.each(vectors)("$name", ({ platform, vector }) => {
    const { request, secret, now_unix: now, expected } = vector;
    const connector = connectors.get(platform);
    const body = Buffer.from(request.body_base64, "base64");
    if (connector === undefined) throw new Error(`no connector ${platform}`);
    if (expected.hmac_sha256_hex !== undefined) {
      expect(Buffer.from(hmac("sha256", secret ?? "", [body])).toString("hex")).toBe(
        expected.hmac_sha256_hex,
      );
      return;
    }
    // Mailchimp signs nothing: the secret stands in the URL.
    const url = secret === null ? "/?secret=x" : "/";
    const received = receive(
      connector,
      webhookRequest({ ...request, url, body }),
      { secrets: [secret ?? "x"], account: null },
      (now ?? 0) * 1000,
    );
    const valid = secret === null || expected.verdict === "valid" || expected.signature === "valid";
    expect(received.kind).toBe(valid ? "delivery" : "refused");
    if (received.kind !== "delivery") return;
    if (expected.topic !== undefined) expect(received.about.topic).toBe(expected.topic);
    if (expected.tenant !== undefined) expect(received.about.account).toBe(expected.tenant);
    if (expected.list_id !== undefined) expect(received.about.account).toBe(expected.list_id);
    if (expected.event_id !== undefined && platform === "stripe")
      expect(received.about.identity).toContain(expected.event_id);
    if (expected.fields !== undefined) expect(flat(parseBody("form", body))).toEqual(expected.fields);
  });
});

/** `{ data: { merges: { EMAIL: "x" } } }` → `{ "data[merges][EMAIL]": "x" }` */
function flat(value: unknown, path = ""): Record<string, string> {
  if (typeof value !== "object" || value === null) return { [path]: String(value) };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, inner]) => flat(inner, path === "" ? key : `${path}[${key}]`)),
  );
}
