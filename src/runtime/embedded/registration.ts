import { z } from "zod";
import { LetheError } from "#schemas";
import { type Condition, compileCondition, compileKey, type Key } from "./expression.ts";

/** A function as the executor needs it, its expressions compiled. */
export interface FunctionSpec {
  readonly id: string;
  readonly maxAttempts: number;
  readonly triggers: readonly { readonly event: string; readonly when: Condition | undefined }[];
  readonly cron: readonly string[];
  readonly concurrency:
    | {
        readonly limit: number;
        readonly key: Key | undefined;
        readonly path: string | undefined;
        /** Of all keys together. */
        readonly total: number | undefined;
      }
    | undefined;
  readonly batch:
    | { readonly maxSize: number; readonly key: Key | undefined; readonly path: string | undefined }
    | undefined;
  readonly cancelOn: readonly {
    readonly event: string;
    readonly expression: string | undefined;
    readonly timeout: string | undefined;
  }[];
  readonly idempotency: Key | undefined;
}

const absent = z.undefined().optional();

const Concurrency = z.strictObject({
  limit: z.int().positive(),
  key: z.string().optional(),
  scope: z.literal("fn").optional(),
});
/** For each key, and for all keys together. */
const KeyedAndTotal = z.tuple([Concurrency.required({ key: true }), Concurrency.omit({ key: true })]);

/** The SDK's function configuration. Strict: an option that is not implemented here must not be ignored. */
const FunctionConfig = z.strictObject({
  id: z.string(),
  name: z.string(),
  triggers: z.array(
    z.union([
      z.strictObject({ event: z.string(), expression: z.string().optional() }),
      z.strictObject({ cron: z.string() }),
    ]),
  ),
  steps: z.strictObject({
    step: z.object({ retries: z.strictObject({ attempts: z.int().nonnegative() }) }),
  }),
  idempotency: z.string().optional(),
  concurrency: z.union([z.int().positive(), Concurrency, z.tuple([Concurrency]), KeyedAndTotal]).optional(),
  batchEvents: z
    .strictObject({ maxSize: z.int().positive(), timeout: z.string(), key: z.string().optional() })
    .optional(),
  cancel: z
    .array(z.strictObject({ event: z.string(), if: z.string().optional(), timeout: z.string().optional() }))
    .optional(),
  rateLimit: absent,
  throttle: absent,
  debounce: absent,
  priority: absent,
  timeouts: absent,
  singleton: absent,
});

/** Reads the answer to an in-band registration. Throws `runtime/unsupported-option` with the function and option at fault. */
export function readRegistration(body: unknown): Map<string, FunctionSpec> {
  const { functions } = z.object({ functions: z.array(z.unknown()) }).parse(body);
  return new Map(functions.map((config) => readFunction(config)).map((spec) => [spec.id, spec]));
}

function readFunction(config: unknown): FunctionSpec {
  const parsed = FunctionConfig.safeParse(JSON.parse(JSON.stringify(config)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const option = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : issue?.path.join(".");
    throw new LetheError(
      "runtime/unsupported-option",
      `function ${(config as { id?: string }).id ?? ""}: the embedded runtime does not implement "${option}" in this form (retries must always be set); use LETHE_RUNTIME=inngest, or leave it out`,
    );
  }
  const { id, triggers, steps, concurrency, batchEvents, cancel = [], idempotency } = parsed.data;
  const limit = Array.isArray(concurrency)
    ? concurrency[0]
    : typeof concurrency === "number"
      ? { limit: concurrency }
      : concurrency;
  const total = Array.isArray(concurrency) ? concurrency[1]?.limit : undefined;
  for (const { if: expression } of cancel) if (expression !== undefined) compileCondition(expression);
  return {
    id,
    maxAttempts: steps.step.retries.attempts + 1,
    triggers: triggers.flatMap((trigger) =>
      "event" in trigger
        ? [
            {
              event: trigger.event,
              when: trigger.expression === undefined ? undefined : compileCondition(trigger.expression),
            },
          ]
        : [],
    ),
    cron: triggers.flatMap((trigger) => ("cron" in trigger ? [trigger.cron] : [])),
    concurrency:
      limit === undefined
        ? undefined
        : { limit: limit.limit, total, ...keyed("key" in limit ? limit.key : undefined) },
    batch:
      batchEvents === undefined ? undefined : { maxSize: batchEvents.maxSize, ...keyed(batchEvents.key) },
    cancelOn: cancel.map(({ event, if: expression, timeout }) => ({ event, expression, timeout })),
    idempotency: idempotency === undefined ? undefined : compileKey(idempotency),
  };
}

function keyed(expression: string | undefined): { key: Key | undefined; path: string | undefined } {
  return expression === undefined
    ? { key: undefined, path: undefined }
    : { key: compileKey(expression), path: expression.trim() };
}
