import { createHash } from "node:crypto";
import { Did } from "#schemas";

/**
 * `did:lethe:<hex>`, SHA3-256 over `lethe:v1:<controller|subject>:<uuid>`. The UUID is random and never derived
 * from anything about the person.
 */
export function didOf(kind: "controller" | "subject", uuid: string): Did {
  return Did.parse(
    `did:lethe:${createHash("sha3-256").update(`lethe:v1:${kind}:${uuid.toLowerCase()}`).digest("hex")}`,
  );
}
