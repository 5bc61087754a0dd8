import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Connector, defineConnector } from "#kit";
import { describeError, type LetheError } from "#schemas";
import { loadingErrors } from "./errors.ts";
import { faultOf } from "./fault.ts";
import { type Location, locate, SHIPPED, shippedFolders } from "./locate.ts";
import { UNFINISHED, watched } from "./watch.ts";

/** A connector, and where what belongs to it lies. */
export interface LoadedConnector {
  readonly connector: Connector;
  readonly folder: string;
  /** The folder of its fixtures, which need not be there. */
  readonly fixtures: string;
}

/** A module that was asked for and is not taken. */
export interface RefusedConnector {
  /** As it was asked for: a path, or a package's name. */
  readonly from: string;
  readonly code: string;
  readonly message: string;
}

export interface LoadedConnectors {
  /** By id: those that Lethe ships in alphabetical order, then the others in the order in which they were named. */
  readonly loaded: ReadonlyMap<string, LoadedConnector>;
  readonly refused: readonly RefusedConnector[];
}

/**
 * Loads the connectors that Lethe ships and the `extra` ones (paths or packages, see {@link locate}). Never throws
 * for a broken one: it is refused, and the others are loaded.
 */
export async function loadConnectors(extra: readonly string[] = []): Promise<LoadedConnectors> {
  const wanted = [
    ...shippedFolders().map((name) => ({ from: `connectors/${name}`, path: join(SHIPPED, name) })),
    ...extra.map((from) => ({ from, path: from })),
  ];
  const loaded = new Map<string, LoadedConnector>();
  const refused: RefusedConnector[] = [];
  const outcomes = await Promise.allSettled(wanted.map(({ from, path }) => loadConnector(path, from)));
  for (const [i, { from }] of wanted.entries())
    try {
      const outcome = outcomes[i];
      if (outcome?.status !== "fulfilled") throw outcome?.reason;
      const { id } = outcome.value.connector;
      const holder = loaded.get(id);
      if (holder !== undefined) throw loadingErrors.idTaken(from, id, holder.folder);
      loaded.set(id, outcome.value);
    } catch (error) {
      const { code, message } = describeError(error);
      refused.push({ from, code, message });
    }
  return { loaded, refused };
}

/** Loads one, called `from` in errors. Throws `connector/…` with what to mend. */
export async function loadConnector(path: string, from = path): Promise<LoadedConnector> {
  const location = locate(path);
  const connector = checked(await defaultExport(location, from), from);
  const fixtures =
    dirname(location.folder) === SHIPPED
      ? join(SHIPPED, "../fixtures", connector.id)
      : join(location.folder, "fixtures");
  return { connector, folder: location.folder, fixtures };
}

async function defaultExport({ file }: Location, from: string): Promise<unknown> {
  let module: { default?: unknown } | undefined;
  try {
    module = await watched(import(pathToFileURL(file).href), file, from);
  } catch (error) {
    if (isRefusal(error)) throw loadingErrors.refused(from, error);
    throw loadingErrors.notImportable(from, faultOf(error));
  }
  if (module === undefined) throw loadingErrors.notImportable(from, UNFINISHED);
  return module.default;
}

/** Declared anew by this kit, because another copy of it, or none, may have made it. */
function checked(candidate: unknown, from: string): Connector {
  if (typeof candidate !== "object" || candidate === null || !("webhook" in candidate))
    throw loadingErrors.notAConnector(from);
  try {
    return defineConnector(candidate as Connector);
  } catch (error) {
    if (isRefusal(error)) throw loadingErrors.refused(from, error);
    // So little of it is there that the checks stumble.
    throw loadingErrors.incomplete(from);
  }
}

/** By name and code, because the module may have got its kit, and with it its errors, from another copy of Lethe. */
function isRefusal(error: unknown): error is LetheError {
  return (
    error instanceof Error && error.name === "LetheError" && /^connector\//.test((error as LetheError).code)
  );
}
