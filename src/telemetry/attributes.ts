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

/** Of ids, codes, routes and words of the code. No e-mail address, phone number or query is of this form. */
const PLAIN = /^(?=.*[A-Za-z])[\w/:*. -]{1,100}$/;

/** What is allowed of these. A value that cannot be an id, a code or a count is withheld. */
export function allowed(given: SpanAttributes): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]): [string, string | number][] => {
      if (!NAMES.has(name) || value === undefined) return [];
      return [[name, typeof value === "number" ? value : plain(value)]];
    }),
  );
}

/** A span's name, or a value, if it is of a form that nothing personal has. */
export const plain = (text: string): string => (PLAIN.test(text) ? text : "withheld");
