import { z } from "zod";
import {
  accountUninstalled,
  activity,
  defineConnector,
  type EventHandler,
  field,
  on,
  platformSchemes,
  subject,
  thin,
} from "#kit";
import { api, credentials } from "./api.ts";
import { id, response } from "./people.ts";
import { rightsSection } from "./rights.ts";

/** https://api.surveymonkey.com/v3/docs#webhook-callbacks; which ids are there depends on the webhook. */
const pointer = z.object({ object_id: id, resources: z.object({ survey_id: id.nullish() }).nullish() });

/**
 * A response's own id, which is also its respondent's, and, where the survey is known, both: nothing of a response can be
 * asked for, or deleted, by its id alone.
 */
const idsOf = ({ object_id, resources }: z.output<typeof pointer>) =>
  resources?.survey_id == null ? [object_id] : [object_id, `${resources.survey_id}/${object_id}`];

/** Taking part is free, and so is stopping. */
const RESPONSES = {
  purpose: "research",
  lawfulBasis: "consent",
  dataCategories: ["name", "email_address", "opinion", "ip_address"],
} as const;

export default defineConnector({
  id: "surveymonkey",
  name: "SurveyMonkey",
  documentation: "https://api.surveymonkey.com/v3/docs#webhooks",
  credentials,
  api,
  rights: rightsSection,

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
    response_deleted: on(pointer, (p) => [subject({ platformIds: idsOf(p) }), activity("response.deleted")]),
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
    records: (given, _about, p) => [
      subject({
        platformIds: idsOf(p),
        email: given.email_address || given.metadata?.contact?.email?.value,
      }),
      activity(name),
    ],
    otherwise: (p) => [subject({ platformIds: idsOf(p) }), activity(name)],
  });
}
