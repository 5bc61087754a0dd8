import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { fromMultikey } from "./multikey.ts";
import { publicKeyObject, verifierKey } from "./note.ts";

/** What is read of a controller's DID document to check what it signed. */
const DidKeys = z.object({
  id: z.string(),
  verificationMethod: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      controller: z.string(),
      publicKeyMultibase: z.string().optional(),
      publicKeyJwk: z.object({ kty: z.string(), crv: z.string(), x: z.string() }).optional(),
    }),
  ),
  assertionMethod: z.array(z.string()),
});
export type DidKeys = z.infer<typeof DidKeys>;

/** Undefined for what is no DID document. */
export function readDidDocument(document: unknown): DidKeys | undefined {
  return DidKeys.safeParse(document).data;
}

/** The Ed25519 key that a document has under a DID URL, its own, for assertions; undefined if there is none such. */
export function assertionKey(document: DidKeys, id: string): KeyObject | undefined {
  const method = document.verificationMethod.find((one) => one.id === id);
  const raw = method === undefined || !isForAssertions(document, method) ? undefined : rawKey(method);
  return raw === undefined ? undefined : publicKeyObject(raw);
}

/** The keys of a controller's audit log, as verifier keys (C2SP signed-note) under its DID, which is the log's name. */
export function logKeys(document: DidKeys): string[] {
  return document.verificationMethod.flatMap((method) => {
    const raw =
      method.type === "JsonWebKey" && isForAssertions(document, method) ? rawKey(method) : undefined;
    return raw === undefined ? [] : [verifierKey(document.id, raw)];
  });
}

type Method = DidKeys["verificationMethod"][number];

function isForAssertions(document: DidKeys, method: Method): boolean {
  return method.controller === document.id && document.assertionMethod.includes(method.id);
}

/** The 32 bytes of a Multikey, or the same key as JsonWebKey: "lossless cryptographic key transformation" is allowed. */
function rawKey(method: Method): Uint8Array | undefined {
  if (method.type === "Multikey") return fromMultikey(method.publicKeyMultibase ?? "");
  const { kty, crv, x = "" } = method.publicKeyJwk ?? {};
  if (method.type !== "JsonWebKey" || kty !== "OKP" || crv !== "Ed25519") return undefined;
  const raw = Buffer.from(x, "base64url");
  return raw.length === 32 ? raw : undefined;
}
