export { z } from "zod";
export {
  type AboutEvent,
  type ActivityDeclaration,
  type Connector,
  type DeliveryIdentity,
  type Door,
  defineConnector,
  doorFor,
  doorsOf,
  type EventHandler,
  on,
} from "./connector.ts";
export { connectorErrors, payloadErrors } from "./errors.ts";
export { type Envelope, type Extractor, field, firstOf, header } from "./extract.ts";
export {
  type Fixture,
  fixtureRequest,
  loadFixtures,
  type RecordSummary,
  signFixture,
  summarise,
} from "./fixtures.ts";
export { instant } from "./instant.ts";
export { declaredTopic, interpret, optionalText, platformId } from "./interpret.ts";
export { MAX_DEPTH, parseBody } from "./payload.ts";
export { type DeliveryFacts, plainAccount, type Received, receive } from "./receive.ts";
export {
  type ActivityRecord,
  accountUninstalled,
  activity,
  type ConsentRecord,
  consent,
  type PersonalRecord,
  type RightsRecord,
  rightsRequest,
  type SubjectRecord,
  subject,
} from "./records.ts";
export { type WebhookRequest, webhookRequest } from "./request.ts";
export {
  hmac,
  REFUSALS,
  type Refusal,
  type SignatureScheme,
  timestamped,
  urlSecret,
  type Verdict,
} from "./signature/index.ts";
