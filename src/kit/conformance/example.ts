import type { Connector } from "../connector.ts";

/** The connector itself, or, if each connection configures it, what its example makes of it. */
export function exampleOf(connector: Connector): Connector {
  const { configuration } = connector;
  return configuration === undefined ? connector : configuration.configure(configuration.example);
}
