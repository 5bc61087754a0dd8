import { type CorrectedField, type Corrections, platformErrors, type RectificationAnswer } from "#kit";
import type { Books } from "./api.ts";
import { type Someone, updated } from "./people.ts";

/** One sparse update: what it does not name stays as it is. Sales keep the address that was printed on them. */
export async function rectify(
  books: Books,
  found: Someone,
  corrections: Corrections,
): Promise<RectificationAnswer> {
  const { email, phone, givenName, familyName, address } = corrections;
  const change: Change = {
    ...(email && { PrimaryEmailAddr: { Address: email.reveal() } }),
    ...(phone && { PrimaryPhone: { FreeFormNumber: phone.reveal() } }),
    ...(givenName && { GivenName: givenName.reveal() }),
    ...(familyName && { FamilyName: familyName.reveal() }),
    ...(address && { BillAddr: addressOf(found, address) }),
  };
  const answer = await books.update("Customer", {
    ...{ Id: found.Id, SyncToken: found.SyncToken, sparse: true },
    ...change,
    ...nameOf(found, corrections),
  });
  const { data } = updated.safeParse(answer);
  if (data === undefined) throw platformErrors.unreadable();

  const asked = (Object.keys(FIELDS) as CorrectedField[]).filter((field) => corrections[field] !== undefined);
  const isHeld = (field: CorrectedField) => holds(data.Customer[FIELDS[field]], change[FIELDS[field]]);
  return {
    held: asked.filter(isHeld),
    accepted: asked.filter((field) => !isHeld(field)),
    unsupported: [],
  };
}

type Change = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

const FIELDS: Readonly<Record<CorrectedField, string>> = {
  email: "PrimaryEmailAddr",
  phone: "PrimaryPhone",
  givenName: "GivenName",
  familyName: "FamilyName",
  address: "BillAddr",
};

/** Where the customer goes by their own name, they go by the corrected one. */
function nameOf({ DisplayName, GivenName, FamilyName }: Someone, { givenName, familyName }: Corrections) {
  const full = (given: string | null | undefined, family: string | null | undefined) =>
    [given, family].filter(Boolean).join(" ");
  if ((!givenName && !familyName) || DisplayName !== full(GivenName, FamilyName)) return {};
  const name = full(givenName?.reveal() ?? GivenName, familyName?.reveal() ?? FamilyName);
  return { DisplayName: name, PrintOnCheckName: name };
}

/** With its number, the address that is there is changed; lines that the new one has not are emptied. */
function addressOf({ BillAddr }: Someone, address: NonNullable<Corrections["address"]>) {
  const lines = Object.keys(BillAddr ?? {}).filter((field) => /^Line\d$/.test(field));
  return {
    ...(BillAddr?.Id && { Id: BillAddr.Id }),
    ...Object.fromEntries(lines.map((line) => [line, ""])),
    Line1: address.line1.reveal(),
    Line2: address.line2?.reveal() ?? "",
    City: address.city.reveal(),
    PostalCode: address.postalCode?.reveal() ?? "",
    CountrySubDivisionCode: address.region?.reveal() ?? "",
    Country: address.country,
  };
}

/** The API leaves out what is empty, and gives an address another number. */
function holds(after: unknown, wished: Change[string] | undefined): boolean {
  if (wished === undefined || typeof wished === "string") return after === wished;
  const fields = Object.entries(wished).filter(([field]) => field !== "Id");
  const given = (after ?? {}) as Readonly<Record<string, unknown>>;
  return fields.every(([field, value]) => (given[field] ?? "") === value);
}
