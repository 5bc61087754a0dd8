import { basic, ecdsa, hmac, platformSchemes, type SignatureScheme, timestamped, urlSecret, z } from "#kit";
import { chosen, shown } from "./words.ts";

/** How requests are signed, and the headers that say so: they tell no delivery from another. */
export interface Signature {
  readonly scheme: SignatureScheme;
  readonly headers: readonly string[];
}

/** The name of a header (RFC 9110, section 5.1), in lower case. */
export const headerName = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, {
    error: ({ input }) => `${shown(input)} is not a header's name, such as x-signature`,
  })
  .transform((name) => name.toLowerCase());

/** Seconds. */
const tolerance = z.number().positive().max(86_400).exactOptional();
const header = headerName;

const schemes = {
  hmac: z
    .strictObject({
      scheme: z.literal("hmac"),
      header,
      algorithm: z.enum(["sha256", "sha1"]),
      encoding: z.enum(["hex", "base64"]),
      prefix: z.string().exactOptional(),
      signed: z.string().exactOptional(),
      timestamp: z
        .strictObject({
          header,
          format: z.enum(["seconds", "milliseconds", "http-date", "iso"]),
          tolerance,
        })
        .exactOptional(),
    })
    .transform((options, context): Signature => {
      try {
        return signed(hmac(options), options.timestamp?.header);
      } catch (error) {
        // What the kit says of a template concerns the operator's own text.
        context.addIssue({
          code: "custom",
          message: error instanceof Error ? error.message : "not a scheme",
        });
        return z.NEVER;
      }
    }),
  timestamped: z
    .strictObject({ scheme: z.literal("timestamped"), header, tolerance })
    .transform((options) => signed(timestamped(options))),
  ecdsa: z
    .strictObject({ scheme: z.literal("ecdsa"), header, timestampHeader: header, tolerance })
    .transform((options) => signed(ecdsa(options), options.timestampHeader)),
  basic: z.strictObject({ scheme: z.literal("basic") }).transform(() => signed(basic())),
  "url-secret": z
    .strictObject({ scheme: z.literal("url-secret"), parameter: z.string().min(1).exactOptional() })
    .transform((options) => signed(urlSecret(options))),
} satisfies Record<string, z.ZodType<Signature>>;

const known = Object.keys(platformSchemes) as [keyof typeof platformSchemes];
const platform = z
  .strictObject({ scheme: z.enum([...Object.keys(schemes), ...known]) })
  .transform(({ scheme }) => signed(platformSchemes[scheme as keyof typeof platformSchemes]));

/** One of the kit's schemes with its options, or a well-known platform's by name. */
export const Signature = chosen<Signature>((given) => {
  const name = typeof given === "object" && given !== null && "scheme" in given ? given.scheme : undefined;
  // Its own, because `constructor` is in every object.
  return typeof name === "string" && Object.hasOwn(schemes, name)
    ? schemes[name as keyof typeof schemes]
    : platform;
});

function signed(scheme: SignatureScheme, ...more: readonly (string | undefined)[]): Signature {
  return { scheme, headers: [scheme.header, ...more].filter((name) => name !== undefined) };
}
