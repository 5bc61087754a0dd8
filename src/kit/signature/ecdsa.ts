import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from "node:crypto";
import { connectorErrors } from "../errors.ts";
import { decode, matchSecret } from "./compare.ts";
import { refused, type SignatureScheme } from "./scheme.ts";
import { checkTolerance, offTime, readTime, writeTime } from "./time.ts";

/**
 * ECDSA on P-256 with SHA-256 over timestamp and raw body, as SendGrid signs its event webhook: the signature in
 * DER, base64. The connection's "secret" is the platform's public key (SPKI, base64 as SendGrid shows it, or PEM),
 * so only the platform can sign: `sign` takes the private key of a pair of one's own (PKCS #8, base64 or PEM).
 *
 * SendGrid documents no tolerance, its SDKs check none, and it is not known whether a retry is signed anew: so
 * the age is checked only where `tolerance` is set. Without it, a repeat is known by its events' ids alone.
 *
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export function ecdsa(options: {
  header: string;
  /** Where the timestamp stands, in epoch seconds. */
  timestampHeader: string;
  /** Seconds that the timestamp may be off, either way. Not checked unless it is set. */
  tolerance?: number;
}): SignatureScheme {
  const { header, timestampHeader, tolerance } = options;
  if (tolerance !== undefined) checkTolerance(tolerance);
  return {
    kind: "ecdsa",
    signs: ["body", "timestamp"],
    ...(tolerance === undefined ? {} : { tolerance }),
    summary: `\`${header}\`: base64 ECDSA P-256 SHA-256 of \`${timestampHeader}\` and the raw body, ${tolerance === undefined ? "of any age" : `±${tolerance} s`}; the secret is the public key`,
    header,
    secretFault: (secret) =>
      publicKeyOf(secret) === undefined ? "the platform's public key (P-256, in base64 or PEM)" : undefined,
    keyPair() {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      return {
        secret: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
        signing: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
      };
    },
    verify(request, secrets, now) {
      const value = request.header(header);
      if (value === undefined || value === "") return refused("missing_signature");
      const timestamp = request.header(timestampHeader);
      if (timestamp === undefined || timestamp === "") return refused("missing_timestamp");
      const at = readTime(timestamp, "seconds");
      if (at === undefined) return refused("malformed_timestamp");
      const signature = decode(value, "base64");
      // DER: a SEQUENCE (0x30) of two integers.
      if (signature?.[0] !== 0x30) return refused("malformed_signature");
      const signed = Buffer.concat([Buffer.from(timestamp), request.body]);
      const verdict = matchSecret(secrets, (secret) => {
        const key = publicKeyOf(secret);
        return key === undefined ? undefined : verifyWith("sha256", signed, key, signature);
      });
      const off = verdict.ok && tolerance !== undefined ? offTime(at, now, tolerance) : undefined;
      return off === undefined ? verdict : refused(off);
    },
    sign(request, secret, now) {
      const key = privateKeyOf(secret);
      if (key === undefined)
        throw connectorErrors.cannotSign(
          "it holds the platform's public key, and only the platform has the private one; to try it out, connect with the public key of a pair of your own (P-256) and sign with its private key",
        );
      const timestamp = writeTime(now, "seconds");
      const signed = Buffer.concat([Buffer.from(timestamp), request.body]);
      return {
        headers: {
          [timestampHeader]: timestamp,
          [header]: signWith("sha256", signed, key).toString("base64"),
        },
      };
    },
  };
}

/** Undefined unless it is the public half of a P-256 key: OpenSSL would take a private key or a certificate, too. */
function publicKeyOf(secret: string): KeyObject | undefined {
  return onP256(() => {
    if (secret.includes("-----BEGIN PUBLIC KEY-----")) return createPublicKey(secret);
    const der = decode(secret.replace(/\s/g, ""), "base64");
    return der && createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  });
}

function privateKeyOf(secret: string): KeyObject | undefined {
  return onP256(() => {
    if (secret.includes("-----BEGIN PRIVATE KEY-----")) return createPrivateKey(secret);
    const der = decode(secret.replace(/\s/g, ""), "base64");
    return der && createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  });
}

function onP256(read: () => KeyObject | undefined): KeyObject | undefined {
  try {
    const key = read();
    return key?.asymmetricKeyDetails?.namedCurve === "prime256v1" ? key : undefined;
  } catch {
    // OpenSSL's errors can quote what they choked on.
    return undefined;
  }
}
