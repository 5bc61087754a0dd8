import {
  ActivityPurpose,
  ConsentMethod,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  LawfulBasis,
  platformSchemes,
  z,
} from "#kit";
import { path } from "./path.ts";

/** A JSONPath of the event; or of the whole body, where a request carries several events; or a header. */
const Source = z.union([path, z.strictObject({ body: path }), z.strictObject({ header: z.string().min(1) })]);
export type Source = z.output<typeof Source>;

const Paths = z.union([path.transform((one) => [one]), z.array(path).min(1)]);

const tolerance = z.number().positive().max(86_400).exactOptional();
const header = z
  .string()
  .regex(/^[\w-]+$/, "a header's name")
  .transform((name) => name.toLowerCase());
const encoding = z.enum(["hex", "base64"]);
const algorithm = z.enum(["sha256", "sha1"]);
const format = z.enum(["seconds", "milliseconds", "http-date", "iso"]);

/** One of the kit's schemes with its options, or a well-known platform's by name. */
const Signature = z.discriminatedUnion("scheme", [
  z.strictObject({
    scheme: z.literal("hmac"),
    header,
    ...{ algorithm, encoding },
    prefix: z.string().exactOptional(),
    signed: z.string().exactOptional(),
    timestamp: z.strictObject({ header, format, tolerance }).exactOptional(),
  }),
  z.strictObject({ scheme: z.literal("timestamped"), header, tolerance }),
  z.strictObject({ scheme: z.literal("ecdsa"), header, timestampHeader: header, tolerance }),
  z.strictObject({ scheme: z.literal("basic") }),
  z.strictObject({ scheme: z.literal("url-secret"), parameter: z.string().min(1).exactOptional() }),
  z.strictObject({ scheme: z.enum(Object.keys(platformSchemes) as [keyof typeof platformSchemes]) }),
]);
export type Signature = z.output<typeof Signature>;

const Subject = z
  .strictObject({
    email: Paths,
    phone: Paths,
    platformId: Paths,
    object: Paths,
    region: path,
  })
  .partial()
  .refine(
    ({ region: _, ...known }) => Object.keys(known).length > 0,
    "needs at least one of email, phone, platformId, object",
  );

const Activity = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_.-]{1,60}$/, 'a lower-case name such as "contact.updated"'),
  purpose: ActivityPurpose,
  lawfulBasis: LawfulBasis,
  dataCategories: z.array(DataCategory).min(1),
  recipient: z.string().min(1).exactOptional(),
});

const Consent = z.strictObject({
  purpose: ConsentPurpose,
  /** The state itself, or where the platform's word for it stands and what its words mean. */
  state: z.union([
    ConsentState,
    z.strictObject({ path, values: z.record(z.string(), ConsentState.nullable()) }),
  ]),
  method: ConsentMethod,
  nature: ConsentNature.exactOptional(),
  occurredAt: path.exactOptional(),
});
export type ConsentMapping = z.output<typeof Consent>;

const Topic = z.strictObject({
  subject: Subject,
  activity: Activity,
  consent: z.union([Consent.transform((one) => [one]), z.array(Consent)]).exactOptional(),
});
export type TopicMapping = z.output<typeof Topic>;

/** How a platform without a connector signs, and what its payloads say: the whole configuration of a generic connection. */
export const Mapping = z
  .strictObject({
    /** The platform's name, which is the recipient of the data that it holds. */
    name: z.string().min(1).max(80),
    signature: Signature,
    body: z.enum(["json", "form"]).exactOptional(),
    /** For several events in a request: where they are. Every other path then begins at the event. */
    events: path.exactOptional(),
    /** What tells one delivery (or event) from another. Without it, the body does. */
    id: z.union([Source.transform((one) => [one]), z.array(Source)]).exactOptional(),
    topic: Source,
    account: Source.exactOptional(),
    occurredAt: Source.exactOptional(),
    topics: z
      .record(z.string().min(1), Topic)
      .refine((topics) => Object.keys(topics).length > 0, "needs at least one topic"),
  })
  .superRefine(({ events, id = [], topic, account, occurredAt }, context) => {
    if (events === undefined) return;
    const own = {
      topic,
      account,
      occurredAt,
      ...Object.fromEntries(id.map((source, at) => [`id.${at}`, source])),
    };
    for (const [name, source] of Object.entries(own))
      if (source !== undefined && "header" in source)
        context.addIssue({
          code: "custom",
          path: name.split("."),
          message: "a header says nothing about one of several events; give a path",
        });
  });
export type Mapping = z.output<typeof Mapping>;
