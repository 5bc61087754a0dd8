import { z } from "zod";
import { embeddedJson, optionalText, platformId } from "#kit";
import { preferences } from "./people.ts";

/** What is used of a reporting webhook's `data` (https://docs.customer.io/integrations/api/webhooks); everything else is dropped. */
const person = {
  customer_id: platformId.nullish(),
  /** Which of them are there depends on what the workspace knows people by. */
  identifiers: z.object({ id: platformId.nullish(), email: optionalText, cio_id: optionalText }).nullish(),
};

export const customer = z.object({ data: z.object({ ...person, email_address: optionalText }) });

export const message = z.object({
  data: z.object({ ...person, recipient: optionalText, transactional_message_id: platformId.nullish() }),
});

/** `content` is JSON in a string: `{"topics": {"topic_7": false}, "channels": {"sms": true}}`. */
export const preferencesChanged = z.object({
  data: z.object({ ...person, email_address: optionalText, content: embeddedJson(preferences) }),
});

export type Person = z.output<typeof customer>["data"];
export type Message = z.output<typeof message>["data"];
