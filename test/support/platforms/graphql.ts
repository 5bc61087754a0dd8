/** As much of GraphQL as it takes to answer only what was asked for: fields, aliases, fragments, arguments that are variables. */
export interface Field {
  readonly name: string;
  /** Under which it is answered. */
  readonly key: string;
  /** Argument → variable. */
  readonly variables: Readonly<Record<string, string>>;
  readonly fields: readonly Field[];
}

export interface Operation {
  readonly type: "query" | "mutation";
  /** Variable → type, as declared. */
  readonly declared: Readonly<Record<string, string>>;
  readonly fields: readonly Field[];
}

/** Reads one operation; undefined if it is none. Fragments come after it. */
export function readOperation(document: string): Operation | undefined {
  const [operation = "", ...fragments] = document.split(/^fragment /m);
  const text = fragments.reduce((whole, fragment) => {
    const [, name = "", inner = ""] = /^(\w+) on \w+ \{([\s\S]*)\}\s*$/.exec(fragment) ?? [];
    return whole.replaceAll(`...${name}`, inner);
  }, operation);
  const [, type, declarations = "", body] =
    /^\s*(query|mutation)\s+\w+\s*(?:\(([^)]*)\))?\s*(\{[\s\S]*\})\s*$/.exec(text) ?? [];
  if ((type !== "query" && type !== "mutation") || body === undefined) return undefined;
  const declared = Object.fromEntries(
    [...declarations.matchAll(/\$(\w+):\s*([\w!]+)/g)].map(([, name = "", kind = ""]) => [name, kind]),
  );
  const tokens = body.match(/\$?\w+|[{}():]/g) ?? [];
  let at = 0;
  const next = () => tokens[at++] ?? "";
  const isNext = (token: string) => tokens[at] === token;

  function selection(): Field[] {
    const fields: Field[] = [];
    for (next(); at < tokens.length && !isNext("}"); ) fields.push(field());
    next();
    return fields;
  }
  function field(): Field {
    const key = next();
    const aliased = isNext(":");
    if (aliased) next();
    const name = aliased ? next() : key;
    const variables: Record<string, string> = {};
    if (isNext("("))
      for (next(); at < tokens.length && next() !== ")"; ) {
        const argument = tokens[at - 1] ?? "";
        next();
        variables[argument] = next().slice(1);
      }
    return { name, key, variables, fields: isNext("{") ? selection() : [] };
  }
  return { type, declared, fields: selection() };
}

type Variables = Readonly<Record<string, unknown>>;

/** The values of a field's arguments, by name. */
export const given = ({ variables: named }: Field, variables: Variables): Variables =>
  Object.fromEntries(Object.entries(named).map(([argument, variable]) => [argument, variables[variable]]));

/**
 * Of an object what a selection names; a function is a field with arguments. Throws the name of a field that the object
 * does not have.
 */
export function select(value: unknown, fields: readonly Field[], variables: Variables = {}): unknown {
  if (Array.isArray(value)) return value.map((one) => select(one, fields, variables));
  if (typeof value !== "object" || value === null || fields.length === 0) return value;
  const known = new Map(Object.entries(value));
  return Object.fromEntries(
    fields.map((field) => {
      if (!known.has(field.name)) throw new UnknownField(field.name);
      const held: unknown = known.get(field.name);
      const own = typeof held === "function" ? held(given(field, variables)) : held;
      return [field.key, select(own, field.fields, variables)];
    }),
  );
}

export class UnknownField extends Error {}
