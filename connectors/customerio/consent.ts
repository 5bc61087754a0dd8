import {
  type ConsentPurpose,
  type ConsentSection,
  type ConsentTarget,
  type HeldConsent,
  instant,
  onePerson,
  type PersonThere,
  platformErrors,
} from "#kit";
import { type Credentials, type CustomerIo, openCustomerIo } from "./api.ts";
import { peopleByEmail, peopleById, read } from "./look-up.ts";
import { type Attributes, channelsAnswer, isTrue } from "./people.ts";

/** The channels of a subscription center that are purposes of ours. */
export const CHANNELS = [
  { channel: "email", purpose: "email_marketing" },
  { channel: "sms", purpose: "sms_marketing" },
  { channel: "whatsapp", purpose: "whatsapp_marketing" },
] as const satisfies { channel: string; purpose: ConsentPurpose }[];

/** The company's own lists, by their number in the subscription center. */
export const TOPIC = /^topic_\d+$/;

/**
 * How Customer.io holds consent: by channel and topic where the workspace lets people choose those in its subscription
 * center, and by one attribute for all of it (`unsubscribed`), which outweighs them. See the README.
 */
export const consentSection = {
  purposes: CHANNELS.map(({ purpose }) => purpose),
  lists: TOPIC,
  async open(credentials: Credentials) {
    const customerIo = await openCustomerIo(credentials);
    return {
      async find(person) {
        const api = customerIo();
        // By e-mail only who is known by no id: an address may be several people's.
        const byId = await peopleById(() => api, person.platformIds);
        const people = byId.length > 0 ? byId : await peopleByEmail(() => api, person.emails);
        if (people.length === 0) return undefined;
        const { channels } = read(channelsAnswer, await api.read((app) => app.listSubscriptionChannels()));
        const offered = new Set(channels?.map(({ type }) => (type === "twilio" ? "sms" : type)));
        return onePerson(people.map((one) => there(one, offered, customerIo)));
      },
    };
  },
} satisfies ConsentSection;

function there(
  { attributes, timestamps, devices, unsubscribed }: Attributes,
  offered: ReadonlySet<string>,
  customerIo: () => CustomerIo,
): PersonThere {
  const chosen = attributes.cio_subscription_preferences;
  const hasPhone = Object.entries(attributes).some(([name, value]) => PHONE.test(name) && value);
  const everything = isTrue(unsubscribed ?? attributes.unsubscribed);
  /** `alone`: whether there is nothing else that this would lift with it. */
  const unsubscribedFromAll = (alone: boolean): HeldConsent => ({
    state: "withdrawn",
    since: instant(timestamps?.unsubscribed?.toString()),
    ...(!alone && { blocked: "suppressed" }),
  });

  const held = ({ purpose, list }: ConsentTarget): HeldConsent | undefined => {
    if (list !== undefined) return everything ? unsubscribedFromAll(false) : stated(chosen?.topics?.[list]);
    const channel = channelFor(purpose);
    const address = channel === "email" ? attributes.email : hasPhone;
    if (channel === undefined || !address) return undefined;
    if (everything) return unsubscribedFromAll(channel === "email" && !hasPhone && !devices?.length);
    if (offered.has(channel)) return stated(chosen?.channels?.[channel]);
    if (channel === "email") return { state: attributes.unsubscribed == null ? "not_asked" : "granted" };
    throw platformErrors.notSetUp(`the channel "${channel}" of the subscription center`);
  };
  const change = ({ purpose, list }: ConsentTarget, granted: boolean) => {
    // By dots, so that only this preference is changed and all others are kept.
    if (list !== undefined) return { [`cio_subscription_preferences.topics.${list}`]: granted };
    const channel = channelFor(purpose) ?? "";
    if (!offered.has(channel)) return { unsubscribed: !granted };
    const preference = { [`cio_subscription_preferences.channels.${channel}`]: granted };
    return granted && everything ? { ...preference, unsubscribed: false } : preference;
  };
  return {
    held,
    // Its webhook of that, `customer/unsubscribed`, speaks for all of them.
    covers: (target, { state }) =>
      state === "withdrawn" && "unsubscribed" in change(target, false)
        ? CHANNELS.map(({ purpose }) => purpose).filter((purpose) => purpose !== target.purpose)
        : [],
    async set(target, { state }) {
      const now = held(target);
      if (now === undefined) return { answer: "held", held: undefined };
      if (state === "granted" && now.blocked !== undefined) return { answer: "confirmation_needed" };
      const changed = { _update: true, ...change(target, state === "granted") };
      await customerIo().write((track) => track.identify(`cio_${attributes.cio_id}`, changed));
      return { answer: "accepted" };
    },
  };
}

/** Attributes that a company may keep a phone number in; one that is none only makes a grant more careful. */
const PHONE = /phone|mobile|whatsapp|sms|^tel/i;

const channelFor = (purpose: ConsentPurpose | undefined) =>
  CHANNELS.find((one) => one.purpose === purpose)?.channel;

/** Since when it does not tell: the time that it keeps is of the last change of any preference. */
const stated = (preference: unknown): HeldConsent => ({
  state: preference === true ? "granted" : preference === false ? "withdrawn" : "not_asked",
});
