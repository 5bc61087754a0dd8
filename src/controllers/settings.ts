import type { Credentials } from "#intake";
import { type Connector, configured, secretFault } from "#kit";
import { controllerErrors } from "./errors.ts";

/** An empty secret would let anybody sign; one of another form nobody. Throws `connection/empty-secret` or `connection/bad-secret`. */
export function checkSecret(connector: Connector, secret: string): void {
  if (secret.trim() === "") throw controllerErrors.emptySecret();
  const fault = secretFault(connector, secret);
  if (fault !== undefined) throw controllerErrors.badSecret(connector.name, fault);
}

/** Credentials as the connector declares them. Throws `connection/bad-credentials`, which names places and no values. */
export function checkCredentials(connector: Connector, given: unknown): Credentials | undefined {
  if (given === undefined) return undefined;
  if (connector.credentials === undefined)
    throw controllerErrors.badCredentials(connector.name, "it uses none; leave --credentials out");
  const parsed = connector.credentials.safeParse(given);
  if (parsed.success) return parsed.data as Credentials;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "the file"}: ${message}`,
  );
  throw controllerErrors.badCredentials(connector.name, faults.join("; "));
}

/** Whatever a configurable connector is configured with. Throws `connector/bad-configuration`, `connection/no-configuration` or `connection/not-configurable`. */
export function checkConfiguration(connector: Connector, given: unknown): unknown {
  if (connector.configuration === undefined) {
    if (given !== undefined) throw controllerErrors.notConfigurable(connector.name);
    return null;
  }
  if (given === undefined) throw controllerErrors.noConfiguration(connector.name);
  configured(connector, given);
  return given;
}
