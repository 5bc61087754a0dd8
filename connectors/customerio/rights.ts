import {
  type ErasureAnswer,
  type ErasureState,
  type KnownPerson,
  Personal,
  type PersonEntry,
  type RightsSection,
} from "#kit";
import { type Credentials, type CustomerIo, openCustomerIo } from "./api.ts";
import { collect } from "./collect.ts";
import { attributesOf, peopleByEmail, peopleById } from "./look-up.ts";
import type { Attributes } from "./people.ts";
import { rectify } from "./rectify.ts";

/** What Customer.io's API does for a person of the workspace. See the README for what Customer.io keeps. */
export const rightsSection = {
  can: ["access", "erasure", "rectification"],
  // Who is suppressed stays so.
  repeatable: true,
  async open(credentials: Credentials) {
    const customerIo = await openCustomerIo(credentials);
    return {
      find: (person) => find(customerIo, person),
      erased: ({ id, receipt }) => erased(customerIo(), id.reveal(), receipt),
    };
  },
} satisfies RightsSection;

/** By every id and every e-mail address: people whom the workspace has twice are two entries. */
async function find(
  customerIo: () => CustomerIo,
  { platformIds, emails }: KnownPerson,
): Promise<PersonEntry[]> {
  const byId = await peopleById(customerIo, platformIds);
  const people = [...byId, ...(await peopleByEmail(customerIo, emails, byId))];
  return people.map((person) => {
    const { cio_id: cioId } = person.attributes;
    return {
      // Customer.io's own never changes, and is never given to anybody else.
      id: new Personal(cioId),
      collect: () => collect(customerIo, cioId),
      erase: () => erase(customerIo(), person),
      rectify: (corrections) => rectify(customerIo(), person, corrections),
    };
  });
}

/** https://docs.customer.io/integrations/api/track/tag/track-customers/suppress/ : deletes, and lets nobody add them again. */
async function erase(customerIo: CustomerIo, person: Attributes): Promise<ErasureAnswer> {
  await customerIo.write((track) => track.suppress(identifierOf(person)));
  // There is no number; that the API took it is all there is to know later on.
  return { receipt: "200" };
}

/**
 * It "suppresses the identifier you reference in the path", and the other one with it only where the workspace knows
 * people by both. So the one goes there by which they would be added again: the company's id, else their address; and
 * Customer.io's own, which nothing is added by, only where an id would be taken for something else by its shape.
 */
function identifierOf({ attributes }: Attributes): string {
  const { id, email, cio_id: cioId } = attributes;
  const own = id === undefined || id === null ? "" : String(id);
  if (own !== "") return /@|^cio_/.test(own) ? `cio_${cioId}` : own;
  return email || `cio_${cioId}`;
}

/** The Track API says 200 to anything well-formed, and does it a moment later. */
async function erased(customerIo: CustomerIo, cioId: string, receipt: string | null): Promise<ErasureState> {
  const person = await attributesOf(customerIo, cioId, "CioId");
  if (person !== undefined) return { state: receipt === null ? "there" : "pending" };
  // The identifiers stay in the workspace's list of suppressed people, until somebody takes them out
  // (https://docs.customer.io/journeys/deleting-users/): without it, the next call of a website would make the person anew.
  const categories = ["customer_id", "email_address"] as const;
  return { state: "gone", retained: { basis: "legitimate_interests", categories } };
}
