import { connectors } from "#connectors";
import { type Fixture, loadFixtures, signFixture } from "#kit";

/** A fixture by name, e.g. `shopify/customers-create`. */
export function fixture(name: string): Fixture {
  const [connector = "", file = ""] = name.split("/");
  const found = loadFixtures(`fixtures/${connector}`).find((candidate) => candidate.name === file);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

/** Signs a fixture and posts it to a connection's URL, with whatever is to be different about it. */
export async function sendFixture(
  url: string,
  connectorId: string,
  sent: Fixture,
  secret: string,
  change: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Response> {
  const connector = connectors.get(connectorId);
  if (connector === undefined) throw new Error(`no connector ${connectorId}`);
  const request = signFixture(connector, sent, secret, Date.now(), url.split("?")[0]);
  return fetch(request.url, {
    method: request.method,
    headers: { ...request.headers, ...change.headers },
    ...(request.method === "POST" ? { body: Buffer.from(change.body ?? request.body) } : {}),
  });
}
