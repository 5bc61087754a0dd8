import { z } from "zod";
import {
  type ConsentPurpose,
  type ConsentSection,
  type ConsentTarget,
  type KnownPerson,
  onePerson,
  type PersonThere,
  platformErrors,
} from "#kit";
import { type Credentials, type Klaviyo, openKlaviyo } from "./api.ts";
import { subscription, unsubscription } from "./jobs.ts";
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
  const additionalFieldsProfile: ["subscriptions"] = ["subscriptions"];
  const known = await Promise.all(
    platformIds.map(async (id) => {
      const answer = await klaviyo.read((api) => api.getProfile(id.reveal(), { additionalFieldsProfile }));
      return answer === undefined ? [] : [read(z.object({ data: profile }), answer).data];
    }),
  );
  if (known.flat().length > 0) return distinct(known.flat());
  const written = await Promise.all(
    emails.map(async (email) => {
      // The text in a filter is quoted as in JSON; so does the SDK's own `FilterBuilder`.
      const filter = `equals(email,${JSON.stringify(email.reveal())})`;
      const answer = await klaviyo.read((api) => api.getProfiles({ additionalFieldsProfile, filter }));
      return read(z.object({ data: z.array(profile) }), answer).data;
    }),
  );
  return distinct(written.flat());
}

/** A profile is found by each of its addresses, and under the id of one that was merged into it. */
function distinct(profiles: readonly Profile[]): Profile[] {
  return [...new Map(profiles.map((found) => [found.id, found])).values()];
}

function read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw platformErrors.unreadable();
  return data;
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
