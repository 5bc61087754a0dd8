import type { Connector } from "#kit";
import { loadConnectors } from "./load.ts";

export {
  type LoadedConnector,
  type LoadedConnectors,
  loadConnector,
  loadConnectors,
  type RefusedConnector,
} from "./load.ts";

/** The connectors that Lethe ships. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  [...(await loadConnectors()).loaded].map(([id, { connector }]) => [id, connector]),
);
