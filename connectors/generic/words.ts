import { z } from "#kit";

/** A place at fault in a mapping, and what is wrong there. */
export interface Fault {
  readonly where: string;
  readonly fault: string;
}

/** Levels. A mapping has eight. */
const MAX_DEPTH = 32;

/** What no schema could say: nesting without end, and names that JavaScript drops. */
export function faultOfShape(configuration: unknown): Fault | undefined {
  const open: { value: unknown; path: readonly PropertyKey[] }[] = [{ value: configuration, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== "object" || value === null) continue;
    if (path.length > MAX_DEPTH)
      return { where: "the mapping", fault: `is nested deeper than ${MAX_DEPTH} levels` };
    for (const [key, inner] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (key === "__proto__") return { where: placeOf(at), fault: "this name is not allowed" };
      open.push({ value: inner, path: at });
    }
  }
  return undefined;
}

/** Every fault with its place; what is allowed is listed once, at the first. */
export function faultsOf(issues: readonly z.core.$ZodIssue[]): Fault[] {
  const listed = new Map<string, string>();
  return issues.map((issue) => {
    const where = placeOf(issue.path);
    const allowed = /; allowed: .*$/s.exec(issue.message)?.[0];
    const before = allowed === undefined ? undefined : listed.get(allowed);
    if (allowed !== undefined && before === undefined) listed.set(allowed, where);
    const fault =
      allowed === undefined || before === undefined
        ? issue.message
        : issue.message.replace(allowed, `, see ${before}`);
    return { where, fault };
  });
}

/** `topics["contact.updated"].subject.email[1]` */
export function placeOf(path: readonly PropertyKey[]): string {
  const steps = path.map((key) =>
    typeof key === "string" && /^\w+$/.test(key)
      ? `.${key}`
      : `[${typeof key === "number" ? key : shown(key)}]`,
  );
  return steps.join("").replace(/^\./, "") || "the mapping";
}

/** A value of the mapping, as it was written. It is the operator's own text, but not without end. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** What zod finds, in words that say what to do. */
export const words: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && issue.code !== "custom") return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
    case "invalid_value": {
      const given = typeof issue.input === "object" ? kindOf(issue.input) : shown(issue.input);
      return `${given} is not allowed; allowed: ${issue.values.join(", ")}`;
    }
    case "unrecognized_keys":
      return `there is no field ${issue.keys.map(shown).join(", ")} here`;
    case "too_small":
      return issue.origin === "number" ? `must be more than ${issue.minimum}` : "must not be empty";
    case "too_big":
      return `must not be ${issue.origin === "number" ? "more" : "longer"} than ${issue.maximum}`;
    default:
      return undefined;
  }
};

const KINDS: Partial<Record<string, string>> = {
  object: "an object",
  record: "an object",
  array: "a list",
  string: "a text",
  number: "a number",
  boolean: "true or false",
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return KINDS[Array.isArray(value) ? "array" : typeof value] ?? "that";
}

/** A schema that depends on what is given. Unlike a union, it names every fault of the one that was meant. */
export function chosen<T>(choose: (given: unknown) => z.ZodType<T>) {
  return z.unknown().transform((given, context): T => {
    const parsed = choose(given).safeParse(given, { error: words });
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: "custom", path: [...path], message });
    return z.NEVER;
  });
}

/** One of something, or several. */
export function oneOrSeveral<T>(one: z.ZodType<T>) {
  const several = z.array(one).min(1);
  return chosen<T[]>((given) => (Array.isArray(given) ? several : one.transform((value) => [value])));
}

/** Text that is more than blanks. */
export const text = z.string().max(200).regex(/\S/, "must not be empty");

/** Whether it is an object of just this field, as `{"header": …}` is. */
export const isOf = (field: string, given: unknown): boolean =>
  typeof given === "object" && given !== null && Object.keys(given).join() === field;
