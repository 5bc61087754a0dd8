/**
 * What a span may say of itself. Anything else is left out, whoever asks for it: names of OpenTelemetry's semantic
 * conventions (https://opentelemetry.io/docs/specs/semconv/) where there are any, and our own.
 */
const ALLOWED = [
  "error.type",
  "http.request.method",
  "http.response.status_code",
  "http.route",
  "lethe.attempt",
  "lethe.connector",
  "lethe.controller",
  "lethe.count",
  "lethe.delivery",
  "lethe.function",
  "lethe.outcome",
  "lethe.reason",
  "lethe.role",
  "lethe.run",
  "lethe.step",
] as const;

export type SpanAttributes = Partial<Record<(typeof ALLOWED)[number], string | number | undefined>>;

const NAMES: ReadonlySet<string> = new Set(ALLOWED);

/**
 * Of ids, codes, routes and words of the code: no e-mail address, query or bare number is of this form, and with a space no
 * first and last name. One word of a name would be, so it is still for the caller to give nothing of a person.
 */
const VALUE = /^(?=.*[A-Za-z])[\w/:*.-]{1,100}$/;

/** Names of spans and steps stand in the code, and have spaces. */
const NAME = /^(?=.*[A-Za-z])[\w/:*. -]{1,100}$/;

/** What is allowed of these. A value that is not of the form of an id, a code or a count is withheld. */
export function allowed(given: SpanAttributes): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]): [string, string | number][] => {
      if (!NAMES.has(name) || value === undefined) return [];
      if (typeof value === "number") return [[name, value]];
      return [[name, name === "lethe.step" ? plain(value) : formed(VALUE, value)]];
    }),
  );
}

/** A span's name, if it is of the form of those in the code. */
export const plain = (text: string): string => formed(NAME, text);

const formed = (form: RegExp, text: string): string => (form.test(text) ? text : "withheld");
