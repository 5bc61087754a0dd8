import type { CorrectedAddress, CorrectedField, Corrections, RectificationAnswer } from "#kit";
import { z } from "#kit";
import { type Audience, fault } from "./api.ts";
import { read } from "./members.ts";

interface Known {
  readonly id: string;
  readonly merge_fields?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The tags that an audience has unless the company renamed them (https://mailchimp.com/developer/marketing/docs/merge-fields/). */
const TAGS = { phone: "PHONE", givenName: "FNAME", familyName: "LNAME", address: "ADDRESS" } as const;

const Answer = z.object({ email_address: z.string(), merge_fields: z.record(z.string(), z.unknown()) });

/** https://mailchimp.com/developer/marketing/api/list-members/update-list-member/ : one request for all of it. */
export async function rectify(
  { id, lists }: Audience,
  member: Known,
  corrections: Corrections,
): Promise<RectificationAnswer> {
  const email = corrections.email?.reveal();
  const fields = new Map<CorrectedField, unknown>();
  for (const [field, value] of wanted(corrections))
    if (TAGS[field] in (member.merge_fields ?? {})) fields.set(field, value);
  const asked = (Object.keys(corrections) as CorrectedField[]).filter((field) => corrections[field]);
  const unsupported = asked.filter((field) => field !== "email" && !fields.has(field));
  if (unsupported.length === asked.length) return { held: [], accepted: [], unsupported };

  const merge_fields = Object.fromEntries([...fields].map(([field, value]) => [tagOf(field), value]));
  const body = {
    ...(email !== undefined && { email_address: email }),
    ...(fields.size > 0 && { merge_fields }),
  };
  let after: z.output<typeof Answer>;
  try {
    // Other fields that the audience wants of everybody are none of a correction's business.
    const answer = await lists.updateListMember(id, member.id, body, { skip_merge_validation: true });
    after = read(Answer, answer);
  } catch (error) {
    throw fault(error);
  }
  const isHeld = (field: CorrectedField) =>
    field === "email"
      ? after.email_address.toLowerCase() === email?.toLowerCase()
      : same(after.merge_fields[tagOf(field)], fields.get(field));
  const set = asked.filter((field) => !unsupported.includes(field));
  return { held: set.filter(isHeld), accepted: set.filter((field) => !isHeld(field)), unsupported };
}

const tagOf = (field: CorrectedField) => (field === "email" ? "EMAIL" : TAGS[field]);

function* wanted({ phone, givenName, familyName, address }: Corrections) {
  if (phone) yield ["phone", phone.reveal()] as const;
  if (givenName) yield ["givenName", givenName.reveal()] as const;
  if (familyName) yield ["familyName", familyName.reveal()] as const;
  const whole = address && wholeAddress(address);
  if (whole) yield ["address", whole] as const;
}

/** An address without one of these is refused, and everything else with it; so it is left alone. */
function wholeAddress({ line1, line2, city, region, postalCode, country }: CorrectedAddress) {
  if (region === undefined || postalCode === undefined) return undefined;
  return {
    ...{ addr1: line1.reveal(), addr2: line2?.reveal() ?? "", city: city.reveal() },
    ...{ state: region.reveal(), zip: postalCode.reveal(), country },
  };
}

/** Mailchimp may write an address's parts in another order. */
function same(held: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return held === wanted;
  const there = held as Readonly<Record<string, unknown>> | null | undefined;
  return Object.entries(wanted).every(([part, value]) => there?.[part] === value);
}
