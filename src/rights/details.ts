import { z } from "zod";
import type { ControllerTransaction } from "#database";
import { type Claim, claimOf, normaliseEmail } from "#identity";
import { type Corrections, type KnownPerson, type SubjectRecord, subject } from "#kit";
import { type ConnectionId, type ControllerId, Personal, type RightsRequestId, type Sealed } from "#schemas";
import { type ControllerKeys, keyedHash, open, seal } from "#vault";

const CorrectedAddress = z.strictObject({
  line1: z.string().min(1).max(200),
  line2: z.string().max(200).optional(),
  city: z.string().min(1).max(200),
  postalCode: z.string().max(40).optional(),
  region: z.string().max(100).optional(),
  country: z.string().regex(/^[A-Z]{2}$/, "must be a country's two letters (ISO 3166-1)"),
});

/** What a person wants corrected, as they, or an operator, send it. */
export const GivenCorrections = z
  .strictObject({
    email: z.email().max(320).optional(),
    phone: z
      .string()
      .regex(/^\+\d{6,15}$/, "must be E.164, such as +4915112345678")
      .optional(),
    givenName: z.string().min(1).max(200).optional(),
    familyName: z.string().min(1).max(200).optional(),
    address: CorrectedAddress.optional(),
  })
  .refine((given) => Object.keys(given).length > 0, "is empty");
export type GivenCorrections = z.output<typeof GivenCorrections>;

const Details = z.object({
  emails: z.array(z.string()),
  phones: z.array(z.string()),
  /** Of the platform that the request came from. */
  platformIds: z.array(z.string()),
  region: z.string().nullable(),
  corrections: GivenCorrections.nullable(),
});
export type Details = z.output<typeof Details>;

/** As versions before 0004 kept what a platform had sent. */
const Earlier = z
  .looseObject({
    customer: z
      .looseObject({
        id: z.union([z.string(), z.number()]).nullish(),
        email: z.string().nullish(),
        phone: z.string().nullish(),
      })
      .nullish(),
  })
  .transform(
    ({ customer }): Details => ({
      emails: [customer?.email ?? ""].filter(Boolean),
      phones: [customer?.phone ?? ""].filter(Boolean),
      platformIds: [String(customer?.id ?? "")].filter(Boolean),
      ...{ region: null, corrections: null },
    }),
  );

export function sealDetails(
  keys: ControllerKeys,
  controllerId: ControllerId,
  id: RightsRequestId,
  details: Details,
): Sealed<Details> {
  const text = Buffer.from(JSON.stringify(details), "utf8");
  return seal(keys.current("seal"), contextOf(controllerId, id), text);
}

/** What the person is known by, open: for use within one step. Undefined once the request is closed. */
export async function openDetails(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  id: RightsRequestId,
): Promise<Details | undefined> {
  const [row] = await sql<{ details: Sealed<Details> | null }[]>`
    select details from rights_request where controller_id = ${controllerId} and id = ${id}`;
  if (row?.details == null) return undefined;
  const opened = open((version) => keys.version("seal", version), contextOf(controllerId, id), row.details);
  return z.union([Details, Earlier]).parse(JSON.parse(Buffer.from(opened).toString("utf8")));
}

/** Everything by which somebody could be known goes with the request's end; what is left of it names nobody. */
export async function shredDetails(
  { sql, controllerId }: ControllerTransaction,
  id: RightsRequestId,
): Promise<void> {
  await sql`update rights_request set details = null, contact = null where controller_id = ${controllerId} and id = ${id}`;
  await sql`update rights_task set asked = null where controller_id = ${controllerId} and request_id = ${id}`;
  await sql`delete from rights_part where controller_id = ${controllerId} and request_id = ${id}`;
  await sql`delete from rights_challenge where controller_id = ${controllerId} and request_id = ${id}`;
}

/** By which a second request of the same person joins the first. */
export function contactHash(keys: ControllerKeys, email: string): Uint8Array | undefined {
  const normal = normaliseEmail(email);
  return normal === undefined ? undefined : keyedHash(keys.current("mac").key, "rights-contact", normal);
}

/** The person as a connector would name them. */
export const personOf = ({ emails, phones, platformIds }: Details): SubjectRecord =>
  subject({ emails, phones, platformIds });

/** The same as keyed hashes, to find whom it is about. */
export function claimFrom(
  keys: ControllerKeys,
  request: { readonly id: RightsRequestId; readonly connectionId: ConnectionId | null },
  details: Details,
): Claim {
  const from = { workflowId: request.id, connectionId: request.connectionId, region: details.region };
  return claimOf(keys, from, personOf(details));
}

/** How a platform may know them: by its own ids of them, and by what the request says. */
export function knownAt(
  request: { readonly connectionId: ConnectionId | null },
  connectionId: ConnectionId,
  references: readonly Personal[],
  details: Details,
): KnownPerson {
  const own = request.connectionId === connectionId ? details.platformIds : [];
  const ids = new Set([...references.map((id) => id.reveal()), ...own]);
  const personal = (values: Iterable<string>) => [...values].map((value) => new Personal(value));
  return {
    platformIds: personal(ids),
    emails: personal(details.emails),
    phones: personal(details.phones),
  };
}

export function correctionsOf({ corrections }: Details): Corrections {
  const { address, ...fields } = corrections ?? {};
  const personal = <T extends object>(values: T) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, new Personal(value)]] : [],
      ),
    );
  const { country, ...lines } = address ?? {};
  return {
    ...personal(fields),
    ...(country !== undefined && { address: { ...personal(lines), country } }),
  } as Corrections;
}

const contextOf = (controllerId: ControllerId, id: RightsRequestId) => ({
  purpose: "rights-request",
  controllerId,
  recordId: id,
});
