import { z } from "zod";

/** One operation that the SDK answers a call with (https://www.inngest.com/docs/reference; read off inngest 4.24.0). */
const Op = z.object({
  op: z.string(),
  id: z.string(),
  name: z.string().nullish(),
  data: z.unknown().optional(),
  error: z.unknown().optional(),
  opts: z
    .object({
      timeout: z.string().optional(),
      duration: z.string().optional(),
      event: z.string().optional(),
      if: z.string().optional(),
      function_id: z.string().optional(),
      payload: z
        .object({ data: z.record(z.string(), z.unknown()).optional() })
        .loose()
        .optional(),
      parallelMode: z.string().optional(),
    })
    .loose()
    .nullish(),
});
export type Op = z.infer<typeof Op>;

export const Ops = z.union([z.array(Op), Op.transform((op) => [op])]);

/** A memoised step, as the SDK takes it back: its result or its error. */
export type StepResult = { readonly data: unknown } | { readonly error: unknown };

/** What one call to a function answered. */
export type Reply =
  | { readonly kind: "result"; readonly output: unknown }
  | {
      readonly kind: "ops";
      readonly ops: readonly Op[];
      readonly noRetry: boolean;
      readonly retryAfter: string | null;
    }
  | {
      readonly kind: "error";
      readonly error: unknown;
      readonly noRetry: boolean;
      readonly retryAfter: string | null;
    };
