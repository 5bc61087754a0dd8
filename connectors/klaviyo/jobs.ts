import type { SubscriptionCreateJobCreateQuery, SubscriptionDeleteJobCreateQuery } from "klaviyo-api";
import type { ConsentWish } from "#kit";
import type { Channel } from "./profiles.ts";

/**
 * Subscribes one profile. Whether a message asks the person to confirm is the account's own setting, and stays so; unless
 * they have confirmed already, which is what a historical import is for. Only with it may, and must, the time of the
 * consent be given, which must have passed (https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles).
 */
export function subscription(
  id: string,
  { name, address }: Channel,
  change: ConsentWish,
): SubscriptionCreateJobCreateQuery {
  const past = Math.min(Date.parse(change.occurredAt), Date.now() - 1_000);
  const confirmed = change.confirmed ? { consentedAt: new Date(past) } : {};
  const subscriptions = { [name]: { marketing: { consent: "SUBSCRIBED" as const, ...confirmed } } };
  return {
    data: {
      type: "profile-subscription-bulk-create-job",
      attributes: {
        customSource: "Lethe",
        // The address of the channel and no other: one that is given beside it would be written into the profile.
        profiles: { data: [{ type: "profile", id, attributes: { ...address, subscriptions } }] },
        ...(change.confirmed && { historicalImport: true }),
      },
    },
  };
}

/** Unsubscribes from all lists, because none is named (https://developers.klaviyo.com/en/reference/bulk_unsubscribe_profiles). */
export function unsubscription({ name, address }: Channel): SubscriptionDeleteJobCreateQuery {
  const subscriptions = { [name]: { marketing: { consent: "UNSUBSCRIBED" as const } } };
  return {
    data: {
      type: "profile-subscription-bulk-delete-job",
      attributes: { profiles: { data: [{ type: "profile", attributes: { ...address, subscriptions } }] } },
    },
  };
}
