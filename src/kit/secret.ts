import { randomBytes } from "node:crypto";
import { type Connector, doorsOf } from "./connector.ts";

/** Why this cannot be the secret of a connection, by the first scheme that minds; undefined if it can. */
export function secretFault(connector: Connector, secret: string): string | undefined {
  const faults = doorsOf(connector).map(({ signature }) => signature.secretFault?.(secret));
  return faults.find((fault) => fault !== undefined);
}

/** A new secret of the form that the connector's scheme wants; for sandboxes and tests. */
export function freshSecret(connector: Connector): string {
  const pair = doorsOf(connector).at(-1)?.signature.keyPair?.();
  return pair?.secret ?? randomBytes(24).toString("base64url");
}
