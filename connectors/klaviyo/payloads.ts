import { z } from "zod";
import { optionalText } from "#kit";

/** `payload` is what Get Event answers, its profile included (https://developers.klaviyo.com/en/reference/get_event). */
export const event = z.object({
  payload: z.object({
    data: z.object({
      relationships: z.object({
        profile: z.object({ data: z.object({ id: z.string().min(1) }) }),
      }),
    }),
    included: z
      .array(
        z.object({
          type: z.string(),
          id: z.string(),
          attributes: z.object({ email: optionalText, phone_number: optionalText }).nullish(),
        }),
      )
      .nullish(),
  }),
});

export type Event = z.output<typeof event>;
