import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** A signed statement of a log's size and root: a C2SP tlog-checkpoint in a C2SP signed note. */
export interface Checkpoint {
  /** Names the log and its key: the controller's DID. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** RFC 3339, an extension line `time …`. */
  readonly time: string;
}

const ED25519 = 0x01;

export function signCheckpoint(
  checkpoint: Checkpoint,
  key: { privateKey: KeyObject; publicKey: Uint8Array },
): string {
  const text = checkpointText(checkpoint);
  const id = keyId(checkpoint.origin, key.publicKey);
  const signature = sign(null, Buffer.from(text), key.privateKey);
  return `${text}\n— ${checkpoint.origin} ${Buffer.concat([id, signature]).toString("base64")}\n`;
}

/** The checkpoint, if the note is whole and one of the keys signed it; otherwise what is wrong with it. */
export function readCheckpoint(
  note: string,
  publicKeys: readonly Uint8Array[],
): Checkpoint | "malformed" | "unsigned" {
  const split = note.indexOf("\n\n— ");
  const text = note.slice(0, split + 1);
  const match = /^([^\s+]+)\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\ntime (\S+)\n$/.exec(text);
  const signature = /^\n— (\S+) ([A-Za-z0-9+/]+=*)\n$/.exec(note.slice(split + 1));
  if (split < 0 || match === null || signature === null) return "malformed";
  const [, origin = "", size = "", root = "", time = ""] = match;
  const [, name, base64 = ""] = signature;
  const bytes = Buffer.from(base64, "base64");
  // Spare bits of the last character would make two texts of one note.
  if (bytes.toString("base64") !== base64) return "malformed";
  const signed =
    name === origin &&
    publicKeys.some(
      (publicKey) =>
        bytes.subarray(0, 4).equals(keyId(origin, publicKey)) &&
        verify(null, Buffer.from(text), keyObjectOf(publicKey), bytes.subarray(4)),
    );
  return signed ? { origin, size: Number(size), root: Buffer.from(root, "base64"), time } : "unsigned";
}

/** C2SP verifier key: `<name>+<key id>+<base64 of algorithm and key>`. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const encoded = Buffer.concat([Buffer.from([ED25519]), publicKey]).toString("base64");
  return `${origin}+${keyId(origin, publicKey).toString("hex")}+${encoded}`;
}

/** The log's name and its raw 32 bytes key; undefined for what is no Ed25519 verifier key. */
export function readVerifierKey(text: string): { name: string; publicKey: Uint8Array } | undefined {
  const [, name = "", base64 = ""] = /^([^\s+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]{44})$/.exec(text) ?? [];
  const [type, ...key] = Buffer.from(base64, "base64");
  const publicKey = Uint8Array.from(key);
  return type === ED25519 && verifierKey(name, publicKey) === text ? { name, publicKey } : undefined;
}

function checkpointText({ origin, size, root, time }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\ntime ${time}\n`;
}

function keyId(name: string, publicKey: Uint8Array): Buffer {
  return createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.from([ED25519]))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
}

/** A log has thousands of notes by one key, and to make its object takes longer than to verify a signature. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObjectOf(publicKey: Uint8Array): KeyObject {
  const made = keyObjects.get(publicKey) ?? publicKeyObject(publicKey);
  keyObjects.set(publicKey, made);
  return made;
}

/** An Ed25519 key from its raw 32 bytes (RFC 8410 SubjectPublicKeyInfo). */
export function publicKeyObject(raw: Uint8Array): KeyObject {
  const prefix = Buffer.from("302a300506032b6570032100", "hex");
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "spki" });
}
