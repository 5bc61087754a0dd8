import type { CorrectedField, Corrections, RectificationAnswer } from "#kit";
import type { CustomerIo } from "./api.ts";
import type { Attributes } from "./people.ts";

/**
 * What companies call them: but for `email`, attributes are each workspace's own. The one that a person has is corrected;
 * none is made up, which no message of the company's would look at.
 */
const NAMES: Readonly<Record<Exclude<CorrectedField, "address">, readonly string[]>> = {
  email: ["email"],
  phone: ["phone", "phone_number", "phoneNumber", "mobile", "mobile_phone"],
  givenName: ["first_name", "firstName", "firstname", "given_name", "givenName"],
  familyName: ["last_name", "lastName", "lastname", "family_name", "familyName", "surname"],
};

/** https://docs.customer.io/integrations/api/track/tag/track-customers/identify/ : one request, which never makes anybody up. */
export async function rectify(
  customerIo: CustomerIo,
  { attributes }: Attributes,
  { address, ...corrections }: Corrections,
): Promise<RectificationAnswer> {
  const held: CorrectedField[] = [];
  const accepted: CorrectedField[] = [];
  const unsupported: CorrectedField[] = address === undefined ? [] : ["address"];
  const changes: Record<string, string> = {};
  for (const field of Object.keys(NAMES) as (keyof typeof NAMES)[]) {
    const value = corrections[field]?.reveal();
    const name =
      field === "email" ? field : NAMES[field].find((one) => (attributes[one] ?? undefined) !== undefined);
    if (value === undefined) continue;
    if (name === undefined) unsupported.push(field);
    else if (attributes[name] === value) held.push(field);
    else {
      accepted.push(field);
      changes[name] = value;
    }
  }
  // By Customer.io's own id, without which an address that people are known by cannot be changed.
  if (accepted.length > 0)
    await customerIo.write((track) =>
      track.identify(`cio_${attributes.cio_id}`, { _update: true, ...changes }),
    );
  return { held, accepted, unsupported };
}
