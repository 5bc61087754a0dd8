import { z } from "zod";
import type { Credentials } from "#intake";
import { type Connector, configured, secretFault } from "#kit";
import { LetheError, Purpose } from "#schemas";
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

/**
 * Opens the platform's API with credentials, which asks the platform for nothing: what they lack is to be known now, not when
 * somebody's choice or request waits for it. Throws `platform/no-credentials`, which names the field.
 */
export async function checkOpening(
  { consent, rights }: Connector,
  credentials: Credentials | undefined,
  account: string | null,
): Promise<void> {
  if (credentials === undefined) return;
  const given = () => Promise.resolve(credentials);
  await consent?.open(credentials as never, account).catch(lackOf);
  await rights?.open(credentials as never, account, { current: given, renew: given }).catch(lackOf);
}

/** Whatever else may be wrong, those who call the API are told when they do. */
function lackOf(error: unknown): void {
  if (error instanceof LetheError && error.code === "platform/no-credentials") throw error;
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

const Ties = z.record(z.string(), Purpose);

/**
 * Which of the company's own lists at the platform are which purposes: `{ "topic_7": "product_news" }`. `known` are the
 * controller's purposes. Throws `connection/bad-purposes`, which names the place at fault.
 */
export function checkPurposes(
  connector: Connector,
  given: unknown,
  known: readonly string[],
): Record<string, Purpose> {
  const lists = connector.consent?.lists;
  if (lists === undefined)
    throw controllerErrors.badPurposes("it has no lists that could be tied to purposes");
  const parsed = Ties.safeParse(given);
  if (!parsed.success)
    throw controllerErrors.badPurposes(
      'the file must hold lists and purposes, such as {"topic_7": "product_news"}',
    );
  for (const [list, purpose] of Object.entries(parsed.data)) {
    if (!lists.test(list))
      throw controllerErrors.badPurposes(`"${list}" is not a list of ${connector.name}'s (${lists})`);
    if (!known.includes(purpose))
      throw controllerErrors.badPurposes(
        `the controller has no purpose "${purpose}"; add it with \`lethe consents purposes add\``,
      );
  }
  return parsed.data;
}
