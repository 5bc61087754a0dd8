import { JSONPathEnvironment, JSONPathNode, type JSONPathQuery, type JSONValue, jsonpath } from "json-p3";
import { payloadErrors, z } from "#kit";
import { shown } from "./words.ts";

/**
 * A JSONPath (RFC 9535), compiled: what is wrong with it is found when the connection is made.
 *
 * Every step goes one level down, so a query visits a value of the payload at most once, and filters look at a fixed
 * place below each value: whatever somebody sends, the time that a query takes grows no faster than the body.
 */
export interface Path {
  readonly text: string;
  readonly query: JSONPathQuery;
}

/** Characters. The parser is recursive, and so are filters. */
const MAX_LENGTH = 300;

const environment = new JSONPathEnvironment();
for (const name of ["match", "search"]) environment.functionRegister.delete(name);

export const path = z.unknown().transform((given, context): Path => {
  const refuse = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  if (given === undefined) return refuse("is missing");
  if (typeof given !== "string") return refuse("must be a path, such as $.contact.email");
  if (given.length > MAX_LENGTH) return refuse(`a path must not be longer than ${MAX_LENGTH} characters`);
  try {
    const query = environment.compile(given);
    const fault = faultOf(query);
    return fault === undefined ? { text: given, query } : refuse(`${fault}: ${shown(given)}`);
  } catch (error) {
    const why = error instanceof Error ? `: ${error.message}` : "";
    // The library says only that there is no such function; why there is none, it cannot know.
    return /no such function '(match|search)'/.test(why)
      ? refuse(`regular expressions are not allowed in paths: ${shown(given)}`)
      : refuse(`${shown(given)} is not a JSONPath, such as $.contact.email${why}`);
  }
});

/** What would make a query slower than the payload is long. */
function faultOf({ segments }: JSONPathQuery): string | undefined {
  for (const segment of segments) {
    const [selector, ...more] = segment.selectors;
    if (segment.toString().startsWith("..")) return "`..` is not allowed in paths, name every level";
    // `[0,0][0,0][0,0]…` would find the same values again and again.
    if (more.length > 0) return "several selectors in a bracket are not allowed, give several paths";
    const fault =
      selector instanceof jsonpath.selectors.FilterSelector ? faultIn(selector.expression) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const { FilterQuery, FunctionExtension, InfixExpression, LogicalExpression, PrefixExpression, RootQuery } =
  jsonpath.expressions;

/** A filter is asked of every value: what it looks at must be one place, below that value. */
function faultIn(filter: unknown): string | undefined {
  if (filter instanceof LogicalExpression) return faultIn(filter.expression);
  if (filter instanceof PrefixExpression) return faultIn(filter.right);
  if (filter instanceof InfixExpression) return faultIn(filter.left) ?? faultIn(filter.right);
  if (filter instanceof FunctionExtension)
    return filter.args.map(faultIn).find((fault) => fault !== undefined);
  if (filter instanceof RootQuery) return "`$` is not allowed in a filter, it can look at `@` only";
  if (filter instanceof FilterQuery && !isSingular(filter.path))
    return "a filter can look at one place only, such as @.primary";
  return undefined;
}

/** Whether the path names one place (RFC 9535, section 2.3.5.1): names and positions only. */
export function isSingular({ segments }: JSONPathQuery): boolean {
  const { IndexSelector, NameSelector } = jsonpath.selectors;
  return segments.every(
    (segment) =>
      !segment.toString().startsWith("..") &&
      segment.selectors.length === 1 &&
      segment.selectors.every((one) => one instanceof NameSelector || one instanceof IndexSelector),
  );
}

/** All that the path finds. */
export function valuesAt({ query }: Path, root: unknown): unknown[] {
  return [...query.lazyQuery(root as JSONValue)].map(({ value }) => value);
}

/**
 * The events of a body. A `[*]` needs a list before it, which may be empty; whatever else finds nothing is a mistake
 * in the path, or another kind of request. Throws `payload/unexpected-shape`.
 */
export function eventsAt({ text, query }: Path, body: unknown): unknown[] {
  let found: unknown[] = [body];
  for (const segment of query.segments) {
    const isEach = segment.selectors[0] instanceof jsonpath.selectors.WildcardSelector;
    const next: unknown[] = [];
    for (const value of found) {
      if (isEach && !Array.isArray(value))
        throw payloadErrors.unexpectedShape(`"${text}" (a list before [*])`);
      const root = new JSONPathNode(value as JSONValue, [], value as JSONValue);
      const before = next.length;
      for (const node of segment.lazyResolve([root])) next.push(node.value);
      if (!isEach && next.length === before)
        throw payloadErrors.unexpectedShape(`"${text}" (where the events are)`);
    }
    found = next;
  }
  return found;
}
