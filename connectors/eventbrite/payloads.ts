import { z } from "zod";
import { optionalText, platformId } from "#kit";

/**
 * All that Eventbrite sends is where the object is (https://www.eventbrite.com/platform/docs/webhooks). The path must be of
 * the kind that the action is about; that the host is Eventbrite's own is for the core to see, before it calls it.
 */
const pointer = (path: RegExp) =>
  z.object({
    api_url: z.string().transform((text, context) => {
      const url = URL.parse(text);
      const [, id] = (url?.search === "" && path.exec(url.pathname)) || [];
      if (url !== null && id !== undefined) return { url: url.href, id };
      context.addIssue({ code: "custom", message: "not an address of what the action is about" });
      return z.NEVER;
    }),
  });

export const orderPointer = pointer(/^\/v3\/orders\/(\d+)\/?$/);
export const attendeePointer = pointer(/^\/v3\/events\/\d+\/attendees\/(\d+)\/?$/);

/** https://www.eventbrite.com/platform/api#/reference/order */
export const order = z.object({
  id: platformId,
  email: optionalText,
  created: optionalText,
  changed: optionalText,
});

/** https://www.eventbrite.com/platform/api#/reference/attendee */
export const attendee = z.object({
  id: platformId,
  changed: optionalText,
  profile: z
    .object({
      email: optionalText,
      cell_phone: optionalText,
      addresses: z.object({ home: z.object({ country: optionalText }).nullish() }).nullish(),
    })
    .nullish(),
});
