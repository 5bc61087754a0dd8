import { pathToFileURL } from "node:url";

/** Milliseconds that a module may take to be imported. What loads takes a few; what waits for something waits for ever. */
const PATIENCE = 5_000;

export const UNFINISHED = `it is not done after ${PATIENCE / 1_000} s; let it wait for nothing while it is imported`;

/** The modules that are being imported, by file: as they were asked for. */
const underWay = new Map<string, string>();

/**
 * The module, or undefined if its import takes too long. The timer also keeps Node running, which otherwise ends
 * (with code 13) where nothing but an import is left to wait for. Whoever ends the process meanwhile is named: that
 * cannot be prevented, nor can a loop that never ends.
 */
export async function watched<T>(module: Promise<T>, file: string, from: string): Promise<T | undefined> {
  if (underWay.size === 0) process.once("exit", lastWords);
  underWay.set(file, from);
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, undefined);
  });
  try {
    return await Promise.race([module, limit]);
  } finally {
    clearTimeout(timer);
    underWay.delete(file);
    if (underWay.size === 0) process.off("exit", lastWords);
  }
}

/** `exit` is emitted within the call that ends the process, so that the stack shows whose it is. */
function lastWords(): void {
  const { stack = "" } = new Error("for its stack");
  const all = [...underWay];
  const culprits = all.filter(([file]) => stack.includes(pathToFileURL(file).href));
  for (const [, from] of culprits.length > 0 ? culprits : all)
    process.stderr.write(`connector ${from} ended the process while it was imported\n`);
}
