import type { Plan } from "./plan.ts";

/** The person in the generated fixture. */
export const PERSON = { id: "ct_1001", email: "paula@example.com", phone: "+16045550142" } as const;

/** The key under which the person stands in the body: one that nothing else of the plan is found at. */
export function personKey({ topic, delivery, account }: Plan): string {
  const taken = [topic, delivery, account].map((place) =>
    place?.in === "body" ? place.at.split(".")[0] : undefined,
  );
  return ["contact", "customer", "individual", "somebody"].find((key) => !taken.includes(key)) ?? "contact";
}

/** The account that the generated fixture is for. */
export const ACCOUNT = "account-1";

/** What the generated activity declares. */
export const DECLARED = {
  purpose: "customer_management",
  lawfulBasis: "contract",
  dataCategories: ["email_address", "telephone_number", "customer_id"],
} as const;

/** The first topic as the name of an activity. */
export const activityOf = ({ firstTopic }: Plan): string =>
  firstTopic.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, ".");
