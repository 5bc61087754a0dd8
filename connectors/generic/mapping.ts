import {
  ActivityPurpose,
  ConsentMethod,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  LawfulBasis,
  z,
} from "#kit";
import { checkTogether } from "./check.ts";
import { isSingular, path } from "./path.ts";
import { headerName, Signature } from "./signature.ts";
import { chosen, isOf, oneOrSeveral, shown, text } from "./words.ts";

/** One place in the whole body. It is looked at for each of several events, so it must be found at once. */
const bodyPath = path.refine(
  ({ query }) => isSingular(query),
  "must name one place: names and positions only",
);

const inHeader = z.strictObject({ header: headerName });
const inBody = z.strictObject({ body: bodyPath });
const neither = z.custom<never>(
  () => false,
  'must be a path, such as "$.type", or {"header": "x-topic"}, or {"body": "$.type"}',
);

/** A JSONPath of the event; or of the whole body, where a request carries several events; or a header. */
const Source = chosen((given): z.ZodType<Path | z.output<typeof inHeader> | z.output<typeof inBody>> => {
  if (typeof given === "string" || given === undefined) return path;
  if (isOf("header", given)) return inHeader;
  return isOf("body", given) ? inBody : neither;
});
type Path = z.output<typeof path>;
export type Source = z.output<typeof Source>;

/** Where an identifier stands. One path finds one; `{"all": …}` may find several of one person. */
const Identifier = chosen((given) =>
  isOf("all", given)
    ? z.strictObject({ all: path }).transform(({ all }) => ({ path: all, all: true }))
    : path.transform((one) => ({ path: one, all: false })),
);
export type Identifier = z.output<typeof Identifier>;
const Identifiers = oneOrSeveral(Identifier);

const Subject = z
  .strictObject({
    email: Identifiers.exactOptional(),
    phone: Identifiers.exactOptional(),
    platformId: Identifiers.exactOptional(),
    object: Identifiers.exactOptional(),
    region: path.exactOptional(),
  })
  .refine(
    ({ region: _, ...known }) => Object.keys(known).length > 0,
    "needs at least one of email, phone, platformId, object",
  );

const Activity = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_.-]{1,60}$/, {
    error: ({ input }) => `${shown(input)} is not a lower-case name such as "contact.updated"`,
  }),
  purpose: ActivityPurpose,
  lawfulBasis: LawfulBasis,
  dataCategories: z.array(DataCategory).min(1),
  recipient: text.exactOptional(),
});

/** The platform's word for a choice, and what its words mean; null for a word that says nothing. */
const Word = z.strictObject({
  path,
  values: z
    .record(z.string(), ConsentState.nullable())
    .refine((values) => Object.keys(values).length > 0, "needs at least one word of the platform's"),
  /** Whether the choice may be absent, or null, from an event, which then says nothing about it. */
  optional: z.boolean().exactOptional(),
});
export type Word = z.output<typeof Word>;

const Consent = z.strictObject({
  purpose: ConsentPurpose,
  /** The state itself, or where the platform's word for it stands. */
  state: chosen(
    (given): z.ZodType<ConsentState | Word> =>
      typeof given === "object" && given !== null ? Word : ConsentState,
  ),
  method: ConsentMethod,
  nature: ConsentNature.exactOptional(),
  occurredAt: path.exactOptional(),
});
export type ConsentMapping = z.output<typeof Consent>;

const Topic = z.strictObject({
  subject: Subject,
  activity: Activity,
  consent: oneOrSeveral(Consent).exactOptional(),
});
export type TopicMapping = z.output<typeof Topic>;

/** How a platform without a connector signs, and what its payloads say: the whole configuration of a generic connection. */
export const Mapping = z
  .strictObject({
    /** The platform's name, which is the recipient of the data that it holds. */
    name: text,
    signature: Signature,
    body: z.enum(["json", "form"]).exactOptional(),
    /** For several events in a request: where they are. Every other path then begins at the event. */
    events: path.exactOptional(),
    /** What tells one delivery (or event) from another. Without it, what they hold does. */
    id: oneOrSeveral(Source).exactOptional(),
    topic: Source,
    account: Source.exactOptional(),
    occurredAt: Source.exactOptional(),
    topics: z
      .record(z.string().min(1), Topic)
      .refine((topics) => Object.keys(topics).length > 0, "needs at least one topic"),
  })
  .superRefine((mapping, context) => {
    for (const { path: at, message } of checkTogether(mapping))
      context.addIssue({ code: "custom", path: at, message });
  });
export type Mapping = z.output<typeof Mapping>;
