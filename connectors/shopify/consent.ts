import {
  type ConsentSection,
  type ConsentTarget,
  type ConsentWish,
  type HeldConsent,
  instant,
  type KnownPerson,
  onePerson,
  type PersonThere,
  platformFault,
  z,
} from "#kit";
import { type Ask, openAdmin } from "./api.ts";
import type { Credentials } from "./credentials.ts";
import { customersBy, ownIdentifiers, read } from "./customers.ts";

/** Consent as the Admin API holds it: of a customer's default address and number, each with the time of the choice. */
export const consentSection: ConsentSection = {
  purposes: ["email_marketing", "sms_marketing", "whatsapp_marketing"],
  open: async (credentials: Credentials, account) => {
    const ask = await openAdmin(credentials, account);
    return { find: (person) => find(ask, person) };
  },
};

const SINCE = "{ state: marketingState since: marketingUpdatedAt }";
const WHATSAPP = "{ consent: whatsAppMarketingConsent { state since: updatedAt } }";

/**
 * Where each purpose is held, and how it is changed. Aliases give the same names to what Shopify calls differently, and
 * no more is asked for: neither an address nor a number comes back.
 *
 * https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/customerEmailMarketingConsentUpdate, and the same with
 * `Sms` and `WhatsApp`; https://shopify.dev/docs/api/admin-graphql/2026-07/objects/CustomerPhoneNumber
 */
const CHANNELS = {
  email_marketing: {
    held: `defaultEmailAddress ${SINCE}`,
    change: `mutation ChangeConsent($input: CustomerEmailMarketingConsentUpdateInput!) {
  changed: customerEmailMarketingConsentUpdate(input: $input) { customer { held: defaultEmailAddress ${SINCE} } userErrors { code } }
}`,
    input: (wish: ConsentWish) => ({ emailMarketingConsent: marketing(wish) }),
  },
  sms_marketing: {
    held: `defaultPhoneNumber ${SINCE}`,
    change: `mutation ChangeConsent($input: CustomerSmsMarketingConsentUpdateInput!) {
  changed: customerSmsMarketingConsentUpdate(input: $input) { customer { held: defaultPhoneNumber ${SINCE} } userErrors { code } }
}`,
    input: (wish: ConsentWish) => ({ smsMarketingConsent: marketing(wish) }),
  },
  whatsapp_marketing: {
    held: `defaultPhoneNumber ${WHATSAPP}`,
    change: `mutation ChangeConsent($input: CustomerWhatsAppMarketingConsentUpdateInput!) {
  changed: customerWhatsAppMarketingConsentUpdate(input: $input) { held: customerPhoneNumber ${WHATSAPP} userErrors { code } }
}`,
    input: (wish: ConsentWish) => {
      const { marketingState: state, marketingOptInLevel: optInLevel, consentUpdatedAt } = marketing(wish);
      return { whatsAppMarketingConsent: { state, optInLevel, updatedAt: consentUpdatedAt } };
    },
  },
};
type Channel = keyof typeof CHANNELS;

/** A grant needs its level; an opt-out leaves the level as it was. What is undefined is not sent. */
const marketing = ({ state, confirmed, occurredAt }: ConsentWish) => ({
  marketingState: state === "granted" ? "SUBSCRIBED" : "UNSUBSCRIBED",
  marketingOptInLevel: state === "granted" ? (confirmed ? "CONFIRMED_OPT_IN" : "SINGLE_OPT_IN") : undefined,
  consentUpdatedAt: occurredAt,
});

const STATES: Readonly<Record<string, HeldConsent["state"]>> = {
  SUBSCRIBED: "granted",
  UNSUBSCRIBED: "withdrawn",
  PENDING: "pending",
  NOT_SUBSCRIBED: "not_asked",
  NEVER_SUBSCRIBED: "not_asked",
};

const State = z.object({ state: z.string(), since: z.string().nullish() });
const Held = z
  .union([State, z.object({ consent: State }).transform(({ consent }) => consent)])
  .nullish()
  .transform((held): HeldConsent | undefined => {
    if (!held) return undefined;
    const state = STATES[held.state];
    // `INVALID` and `REDACTED` are Shopify's doing, and no grant lifts them; what it invents later is treated alike.
    const known = state === undefined ? ({ state: "not_asked", blocked: "suppressed" } as const) : { state };
    return { ...known, since: instant(held.since ?? undefined) };
  });
const Customer = z.object({
  id: z.string(),
  email_marketing: Held,
  sms_marketing: Held,
  whatsapp_marketing: Held,
});
type Customer = z.output<typeof Customer>;
const Changed = z.object({
  changed: z.object({
    held: Held,
    customer: z.object({ held: Held }).nullish(),
    userErrors: z.array(z.object({ code: z.string().nullable() })),
  }),
});

const CONSENTS = {
  name: "Consents",
  text: `fragment Consents on Customer { id ${Object.entries(CHANNELS)
    .map(([purpose, { held }]) => `${purpose}: ${held}`)
    .join(" ")} }`,
};

/** The person's customers, by all that is known of them, in one request. */
async function find(ask: Ask, person: KnownPerson): Promise<PersonThere | undefined> {
  const own = ownIdentifiers(person);
  const identifiers = [...own, ...person.phones.map((phone) => ({ phoneNumber: phone.reveal() }))];
  if (identifiers.length === 0) return undefined;
  const found = await customersBy(ask, identifiers, Customer, CONSENTS);
  const customers = (some: typeof found) => {
    const known = some.flatMap((customer) => customer ?? []);
    return [...new Map(known.map((customer) => [customer.id, customer])).values()];
  };
  const theirs = customers(found.slice(0, own.length));
  if (theirs.length > 0) return onePerson(theirs.map((customer) => there(ask, customer)));
  // A number may be shared. Who is known by it alone may be somebody else, so that only what is sent to it counts.
  const sharing = customers(found).map((customer) => ({ ...customer, email_marketing: undefined }));
  return onePerson(sharing.map((customer) => there(ask, customer)));
}

function there(ask: Ask, customer: Customer): PersonThere {
  const held = (target: ConsentTarget) => (isChannel(target.purpose) ? customer[target.purpose] : undefined);
  return {
    held,
    async set(target, wish) {
      // Shopify would take a choice for an address that is not there, and keep nothing of it.
      if (!isChannel(target.purpose) || held(target) === undefined)
        return { answer: "held", held: undefined };
      const { change, input } = CHANNELS[target.purpose];
      const { changed } = read(
        Changed,
        await ask(change, { input: { customerId: customer.id, ...input(wish) } }),
      );
      const [error] = changed.userErrors;
      // They come with a 200 and stand for a 422, or a 500. Their text could quote what was sent.
      if (error !== undefined) throw platformFault(error.code === "INTERNAL_ERROR" ? 500 : 422);
      return { answer: "held", held: changed.held ?? changed.customer?.held };
    },
  };
}

const isChannel = (purpose: string | undefined): purpose is Channel =>
  purpose !== undefined && Object.hasOwn(CHANNELS, purpose);
