import { z } from "zod";
import {
  accountUninstalled,
  activity,
  bearer,
  defineConnector,
  type EventHandler,
  field,
  on,
  optionalText,
  platformSchemes,
  subject,
  thin,
} from "#kit";

/** Ids go into addresses of the API. */
const id = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,20}$/));

/** https://api.surveymonkey.com/v3/docs#webhook-callbacks; which ids are there depends on the webhook. */
const pointer = z.object({ object_id: id, resources: z.object({ survey_id: id.nullish() }).nullish() });

/** https://api.surveymonkey.com/v3/docs#api-endpoints-survey-responses: a response without its answers. */
const response = z.object({
  id,
  email_address: optionalText,
  metadata: z
    .object({
      contact: z.object({ email: z.object({ value: optionalText }).nullish() }).nullish(),
    })
    .nullish(),
});

/** Taking part is free, and so is stopping. */
const RESPONSES = {
  purpose: "research",
  lawfulBasis: "consent",
  dataCategories: ["name", "email_address", "opinion", "ip_address"],
} as const;

/** Where an account's data is, as OAuth says in `access_url` (https://api.surveymonkey.com/v3/docs#authentication). */
const ACCESS = [
  "https://api.surveymonkey.com",
  "https://api.eu.surveymonkey.com",
  "https://api.surveymonkey.ca",
] as const;

export default defineConnector({
  id: "surveymonkey",
  name: "SurveyMonkey",
  documentation: "https://api.surveymonkey.com/v3/docs#webhooks",
  credentials: z.object({ accessToken: z.string().min(1), accessUrl: z.enum(ACCESS).optional() }),
  api: {
    base: ({ accessUrl = ACCESS[0] }: { accessUrl?: (typeof ACCESS)[number] }) => `${accessUrl}/`,
    auth: bearer("accessToken"),
  },

  webhook: {
    // The key, and so the connection's secret, is `<client id>&<client secret>`.
    signature: platformSchemes.surveymonkey,
    requires: ["sm-apikey"],
    body: "json",
    id: { parts: [field("event_id")] },
    topic: field("event_type"),
    account: field("resources.user_id"),
    occurredAt: field("event_datetime"),
    handshake: { method: "HEAD", signed: false },
  },

  activities: {
    "response.created": RESPONSES,
    "response.updated": RESPONSES,
    "response.completed": RESPONSES,
    "response.disqualified": RESPONSES,
    "response.overquota": RESPONSES,
    "response.deleted": RESPONSES,
  },

  events: {
    response_created: ofResponse("response.created"),
    response_updated: ofResponse("response.updated"),
    response_completed: ofResponse("response.completed"),
    response_disqualified: ofResponse("response.disqualified"),
    response_overquota: ofResponse("response.overquota"),
    // It is gone: there is nothing to fetch.
    response_deleted: on(pointer, (p) => [
      subject({ platformId: p.object_id }),
      activity("response.deleted"),
    ]),
    app_uninstalled: on(z.object({}), () => [accountUninstalled()]),
  },
});

function ofResponse<const Activity extends string>(name: Activity): EventHandler<Activity> {
  return thin(pointer, {
    // Without a survey there is no address to ask at; what is known is the response's id.
    get: async ({ object_id, resources }, api) =>
      resources?.survey_id == null
        ? undefined
        : await api.get(`v3/surveys/${resources.survey_id}/responses/${object_id}`),
    schema: response,
    records: (given) => [
      subject({
        platformId: given.id,
        email: given.email_address || given.metadata?.contact?.email?.value,
      }),
      activity(name),
    ],
    otherwise: (p) => [subject({ platformId: p.object_id }), activity(name)],
  });
}
