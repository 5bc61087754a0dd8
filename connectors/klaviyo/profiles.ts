import { z } from "zod";
import { type HeldConsent, instant, optionalText } from "#kit";

const marketing = z.object({
  consent: optionalText,
  consent_timestamp: optionalText,
  /** Of e-mail only, and for all lists; one for a single list (`list_suppressions`) leaves the rest as it is. */
  suppression: z.array(z.object({ reason: z.string(), timestamp: optionalText })).nullish(),
});
type Marketing = z.output<typeof marketing>;

const channel = z.object({ marketing: marketing.nullish() }).nullish();

/** What is used of a profile (https://developers.klaviyo.com/en/reference/get_profile). */
export const profile = z.object({
  id: z.string().min(1),
  attributes: z.object({
    email: optionalText,
    phone_number: optionalText,
    // Only there because it is asked for. Taken for empty if it were missing, it would hide that somebody is suppressed.
    subscriptions: z.object({ email: channel, sms: channel }),
  }),
});
export type Profile = z.output<typeof profile>;

/** A way to write to a person, with the address that they have for it. */
export type Channel =
  | { readonly name: "email"; readonly address: { readonly email: string }; readonly held: HeldConsent }
  | { readonly name: "sms"; readonly address: { readonly phoneNumber: string }; readonly held: HeldConsent };

/** Undefined where the profile has no address. */
export function channelOf({ attributes }: Profile, name: Channel["name"]): Channel | undefined {
  const { email, phone_number: phoneNumber, subscriptions } = attributes;
  const held = heldIn(subscriptions[name]?.marketing);
  if (name === "email") return email ? { name, address: { email }, held } : undefined;
  return phoneNumber ? { name, address: { phoneNumber }, held } : undefined;
}

/** What a suppression stands for, by its reason. The guide has another word for a complaint than the reference. */
const BLOCKS: Readonly<Record<string, HeldConsent["blocked"]>> = {
  SPAM_COMPLAINT: "complained",
  SPAM_REPORT: "complained",
  HARD_BOUNCE: "bounced",
  INVALID_EMAIL: "bounced",
};

/** Of several blocks, the one that says most of the person. */
const ORDER = ["complained", "bounced", "suppressed"] as const;

function heldIn(channel: Marketing | null | undefined): HeldConsent {
  const suppressions = channel?.suppression ?? [];
  const blocks = suppressions
    .filter(({ reason }) => reason !== "UNSUBSCRIBE")
    .map(({ reason }) => BLOCKS[reason] ?? "suppressed");
  const blocked = ORDER.find((kind) => blocks.includes(kind));
  const choice = { timestamp: channel?.consent_timestamp };
  const optOuts = [
    ...suppressions.filter(({ reason }) => reason === "UNSUBSCRIBE" || BLOCKS[reason] === "complained"),
    ...(channel?.consent === "UNSUBSCRIBED" ? [choice] : []),
  ];
  if (optOuts.length > 0) return { state: "withdrawn", since: latest(optOuts), blocked };
  if (channel?.consent === "SUBSCRIBED") return { state: "granted", since: latest([choice]), blocked };
  return { state: "not_asked", blocked };
}

function latest(dated: readonly { readonly timestamp?: string | null | undefined }[]): string | undefined {
  return dated
    .flatMap(({ timestamp }) => instant(timestamp ?? undefined) ?? [])
    .sort()
    .at(-1);
}
