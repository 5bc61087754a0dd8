import { z } from "zod";
import { embeddedJson, optionalText } from "#kit";

const stated = z.record(z.string(), z.unknown()).nullish();

/** What somebody chose in the subscription center: of channels (`sms`) and of the company's own topics (`topic_7`). */
export const preferences = z.object({ channels: stated, topics: stated });
export type Preferences = z.output<typeof preferences>;

/** What is used of a person's attributes, which come as text (https://docs.customer.io/integrations/api/app/tag/customers/getPersonAttributes/). */
export const attributesAnswer = z.object({
  customer: z.object({
    attributes: z.looseObject({
      cio_id: z.string().min(1),
      email: optionalText,
      unsubscribed: z.unknown().optional(),
      cio_subscription_preferences: z.union([embeddedJson(preferences), preferences]).nullish(),
    }),
    /** Epoch seconds at which attributes were set. */
    timestamps: z.object({ unsubscribed: z.int().positive().optional().catch(undefined) }).nullish(),
    unsubscribed: z.unknown().optional(),
    devices: z.array(z.unknown()).nullish(),
  }),
});
export type Attributes = z.output<typeof attributesAnswer>["customer"];

/** Whom an e-mail address belongs to (https://docs.customer.io/integrations/api/app/tag/customers/getPeopleEmail/). */
export const peopleAnswer = z.object({ results: z.array(z.object({ cio_id: z.string().min(1) })) });

/** Channels that people can choose for themselves in this workspace (https://docs.customer.io/integrations/api/app/tag/subscription-center/getChannels/). */
export const channelsAnswer = z.object({ channels: z.array(z.object({ type: z.string() })).nullish() });

/** Customer.io's word for yes: any case of `true`, or 1 (https://docs.customer.io/integrations/api/track/tag/track-customers/identify/). */
export const isTrue = (value: unknown): boolean => /^(true|1)$/i.test(String(value));
