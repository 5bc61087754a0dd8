import { fixture, sendFixture } from "../../support/send.ts";
import type { Canaries } from "./canaries.ts";
import type { World } from "./world.ts";

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly phone: string;
}

/** Somebody whom every simulated platform has; by the shop's id. */
export function somebody({ sims, shopify }: World, canaries: Canaries, name: string): Person {
  const person = { email: canaries.email(name).toLowerCase(), phone: canaries.phone(name) };
  for (const sim of sims) if (sim !== shopify) sim.add(person);
  return { ...person, id: shopify.add(person) };
}

/** A webhook of the shop's about somebody: a fixture with another person in it. */
export async function tell(
  { rights, heard }: World,
  canaries: Canaries,
  name: string,
  { id, email, phone }: Person,
): Promise<void> {
  const sent = fixture(`shopify/${name}`);
  const body = sent.body
    .replaceAll("bob@example.com", email)
    .replaceAll("706405506930370084", id)
    .replaceAll("+16135550188", phone);
  const headers = { ...sent.headers, "x-shopify-webhook-id": canaries.token("a webhook's id") };
  const { url, secret } = rights.shop;
  await heard(await sendFixture(url, "shopify", { ...sent, headers, body }, secret));
}
