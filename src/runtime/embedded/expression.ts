import { LetheError } from "#schemas";

/** An event as expressions see it. */
export interface EventValue {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly ts: number;
}

export type Condition = (event: EventValue, async?: EventValue) => boolean;
export type Key = (event: EventValue) => string;

type Operand = (event: EventValue, async: EventValue | undefined) => unknown;

/**
 * The part of CEL that the embedded runtime knows: `a == b && c != 'text'`, with paths such as
 * `event.data.id` and `async.data.id`, strings, numbers and booleans. Anything else is refused when the
 * function is registered, not ignored when it runs.
 */
export function compileCondition(expression: string): Condition {
  const tokens = tokenise(expression);
  const comparisons: Condition[] = [];
  for (let i = 0; i < tokens.length; i += 4) {
    const [left, operator, right, and] = tokens.slice(i, i + 4);
    if (left === undefined || right === undefined || (operator !== "==" && operator !== "!="))
      throw unsupported(expression);
    if (and !== undefined && (and !== "&&" || i + 4 >= tokens.length)) throw unsupported(expression);
    const [a, b] = [operand(left, expression), operand(right, expression)];
    comparisons.push((event, async) => (a(event, async) === b(event, async)) === (operator === "=="));
  }
  if (comparisons.length === 0) throw unsupported(expression);
  return (event, async) => comparisons.every((holds) => holds(event, async));
}

/** A key is one path into the event, as text. A missing value is a key of its own. */
export function compileKey(expression: string): Key {
  const tokens = tokenise(expression);
  const [token = ""] = tokens;
  if (tokens.length !== 1 || !token.startsWith("event.")) throw unsupported(expression);
  const read = operand(token, expression);
  return (event) => JSON.stringify(read(event, undefined) ?? null);
}

const TOKEN =
  /\s*(==|!=|&&|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*)*)\s*/y;

function tokenise(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expression.length) {
    const token = TOKEN.exec(expression)?.[1];
    if (token === undefined) throw unsupported(expression);
    tokens.push(token);
  }
  return tokens;
}

function operand(token: string, expression: string): Operand {
  if (/^['"]/.test(token)) {
    const text = token.slice(1, -1).replace(/\\(.)/g, "$1");
    return () => text;
  }
  if (/^-?\d/.test(token)) return () => Number(token);
  if (token === "true" || token === "false") return () => token === "true";
  const [root, ...path] = token.split(".");
  if ((root !== "event" && root !== "async") || path.length === 0) throw unsupported(expression);
  return (event, async) => path.reduce<unknown>(at, root === "event" ? event : async);
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function unsupported(expression: string): LetheError {
  return new LetheError(
    "runtime/unsupported-expression",
    `the embedded runtime cannot evaluate "${expression}": it knows ==, != and && over event.…, async.… and literals; use LETHE_RUNTIME=inngest for more`,
  );
}
