import { type KnownPerson, platformErrors, z } from "#kit";
import type { Ask } from "./api.ts";

/** https://shopify.dev/docs/api/admin-graphql/2026-07/input-objects/CustomerIdentifierInput */
export type Identifier =
  | { readonly id: string }
  | { readonly emailAddress: string }
  | { readonly phoneNumber: string };

/** The id that the API wants, of the one that webhooks carry: as text, because it exceeds 2^53. */
export const gid = (id: string) => `gid://shopify/Customer/${id}`;

/** What is the person's own. A number may be shared, so that it is none of that. */
export const ownIdentifiers = ({ platformIds, emails }: KnownPerson): Identifier[] => [
  ...platformIds
    .map((id) => id.reveal())
    .filter((id) => /^\d+$/.test(id))
    .map((id) => ({ id: gid(id) })),
  ...emails.map((email) => ({ emailAddress: email.reveal() })),
];

/**
 * The customers of each identifier, in one request. By identifier and not by search, because an address could hold a
 * search's syntax, and the search's index lags behind. `fragment`: what is asked for of each.
 */
export async function customersBy<Customer extends z.ZodType>(
  ask: Ask,
  identifiers: readonly Identifier[],
  customer: Customer,
  fragment: { readonly name: string; readonly text: string },
): Promise<(z.output<Customer> | null | undefined)[]> {
  const names = identifiers.map((_, n) => `by${n}`);
  const found = read(
    z.record(z.string(), customer.nullable()),
    await ask(
      `query KnownCustomers(${names.map((name) => `$${name}: CustomerIdentifierInput!`).join(", ")}) {
${names.map((name) => `  ${name}: customerByIdentifier(identifier: $${name}) { ...${fragment.name} }`).join("\n")}
}
${fragment.text}`,
      Object.fromEntries(identifiers.map((identifier, n) => [`by${n}`, identifier])),
    ),
  );
  return names.map((name) => found[name]);
}

/** What an answer holds, if it is what was asked for. */
export function read<Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> {
  const { data: known } = schema.safeParse(data);
  if (known === undefined) throw platformErrors.unreadable();
  return known;
}
