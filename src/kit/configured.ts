import type { Connector } from "./connector.ts";

/** Connectors that were made of configurations: each is compiled once, not for every delivery. */
const made = new WeakMap<Connector, Map<string, Connector>>();
const MAX_KEPT = 1_000;

/** The connector as a connection configured it; itself where there is nothing to configure. Throws `connector/bad-configuration`. */
export function configured(connector: Connector, configuration: unknown): Connector {
  if (connector.configuration === undefined) return connector;
  const known = made.get(connector) ?? new Map<string, Connector>();
  made.set(connector, known);
  const key = keyOf(configuration);
  const found = key === undefined ? undefined : known.get(key);
  if (found !== undefined) return found;
  const fresh = { ...connector.configuration.configure(configuration), id: connector.id };
  if (known.size >= MAX_KEPT) known.clear();
  if (key !== undefined) known.set(key, fresh);
  return fresh;
}

/** Undefined for what is nested too deep to be written: the connector says what is wrong with it. */
function keyOf(configuration: unknown): string | undefined {
  try {
    return JSON.stringify(configuration);
  } catch {
    return undefined;
  }
}
