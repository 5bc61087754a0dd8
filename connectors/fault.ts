/** Where Node puts the text of what it would not load: it is about the code, so it may be shown. */
const OF_NODE = /^\s+at .*\(?node:internal\/modules\//;

/**
 * Why a module could not be imported, for a log: in Node's words if it did not load the code, which says nothing but
 * code; if the code threw, by class and place alone, because a text can quote a secret that the code had read.
 */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return "it threw something that is no error";
  const stack = error.stack ?? "";
  const frames = stack
    .replace(error.message, "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  if (OF_NODE.test(frames[0] ?? "")) {
    const line = /^(?:file:\/\/)?(\/.+:\d+)\n/.exec(stack)?.[1];
    const hint = /outside a module|Unexpected token 'export'/.test(error.message) ? MODULE_HINT : "";
    return `${error.message.split("\n")[0]}${line === undefined ? "" : ` (${line})`}${hint}`;
  }
  const name = /^[A-Z]\w*Error$/.test(error.constructor.name) ? error.constructor.name : "Error";
  const code = "code" in error && /^[A-Z][A-Z0-9_]+$/.test(String(error.code)) ? ` ${error.code}` : "";
  const place = /\(?file:\/\/(\/[^)]+:\d+:\d+)\)?$/.exec(frames.find((line) => line.includes("file:")) ?? "");
  return `it threw ${name}${code}${place === null ? "" : ` at ${place[1]}`}`;
}

/** What `npm init` writes makes every `.ts` file CommonJS. */
const MODULE_HINT = '; put {"type": "module"} into a package.json beside it, or call it index.mts';
