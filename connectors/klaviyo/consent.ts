import {
  type ConsentPurpose,
  type ConsentSection,
  type ConsentTarget,
  type KnownPerson,
  onePerson,
  type PersonThere,
} from "#kit";
import { type Credentials, type Klaviyo, openKlaviyo } from "./api.ts";
import { subscription, unsubscription } from "./jobs.ts";
import { distinct, profileById, profilesByEmail } from "./look-up.ts";
import { type Channel, channelOf, type Profile, profile } from "./profiles.ts";

/** How Klaviyo holds consent: in each profile, for each channel. */
export const consentSection = {
  purposes: ["email_marketing", "sms_marketing"],
  async open(credentials: Credentials) {
    const klaviyo = await openKlaviyo(credentials);
    return {
      async find(person) {
        const profiles = await lookUp(klaviyo(), person);
        return onePerson(profiles.map((found) => there(found, klaviyo)));
      },
    };
  },
} satisfies ConsentSection;

/** By the profiles' ids, or else by e-mail. Not by phone, which several people can share. */
async function lookUp(klaviyo: Klaviyo, { platformIds, emails }: KnownPerson): Promise<Profile[]> {
  const known = await Promise.all(
    platformIds.map((id) => profileById(klaviyo, profile, id.reveal(), ["subscriptions"])),
  );
  const found = known.flatMap((one) => one ?? []);
  if (found.length > 0) return distinct(found);
  const written = await Promise.all(
    emails.map((email) => profilesByEmail(klaviyo, profile, email.reveal(), ["subscriptions"])),
  );
  return distinct(written.flat());
}

const CHANNELS: { readonly [purpose in ConsentPurpose]?: Channel["name"] } = {
  email_marketing: "email",
  sms_marketing: "sms",
};

function there(found: Profile, klaviyo: () => Klaviyo): PersonThere {
  const channelFor = ({ purpose }: ConsentTarget) => {
    const name = purpose && CHANNELS[purpose];
    return name === undefined ? undefined : channelOf(found, name);
  };
  return {
    held: (target) => channelFor(target)?.held,
    async set(target, change) {
      const channel = channelFor(target);
      if (channel === undefined) return { answer: "held", held: undefined };
      if (change.state === "withdrawn") {
        await klaviyo().write((api) => api.bulkUnsubscribeProfiles(unsubscription(channel)));
        return { answer: "accepted" };
      }
      // Subscribing lifts complaints and suppressions by hand, too: that is not for a grant made elsewhere to do.
      if (channel.held.blocked !== undefined) return { answer: "confirmation_needed" };
      await klaviyo().write((api) => api.bulkSubscribeProfiles(subscription(found.id, channel, change)));
      return { answer: "accepted" };
    },
  };
}
