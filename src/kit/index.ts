export { z } from "zod";
export {
  ActivityPurpose,
  ConsentMethod,
  ConsentNature,
  ConsentPurpose,
  ConsentState,
  DataCategory,
  LawfulBasis,
  Personal,
} from "#schemas";
export {
  API_PATIENCE,
  type ApiAuth,
  type ApiDeclaration,
  bearer,
  type CredentialStore,
  missingCredentials,
  oauth2Refresh,
  openApi,
  type PlatformApi,
  platformErrors,
  platformFault,
  sdkFault,
  type WritableApi,
} from "./api/index.ts";
export { configured } from "./configured.ts";
export {
  type Check,
  type ConformanceOptions,
  checkConnector,
  checkReadme,
  makeCheck,
  type PlannedCheck,
  planChecks,
  type Report,
  topicsTable,
  writeTopics,
} from "./conformance/index.ts";
export {
  type ActivityDeclaration,
  type Configurable,
  type Connector,
  type DeliveryIdentity,
  type Door,
  defineConnector,
  doorFor,
  doorsOf,
} from "./connector.ts";
export type {
  ConsentAnswer,
  ConsentApi,
  ConsentSection,
  ConsentTarget,
  ConsentWish,
  HeldConsent,
  KnownPerson,
  PersonThere,
} from "./consent.ts";
export { connectorErrors, payloadErrors } from "./errors.ts";
export { type AboutEvent, type EventHandler, each, on, type Splitter, thin } from "./events.ts";
export { bodyField, type Envelope, type Extractor, field, firstOf, header, joined } from "./extract.ts";
export { type Expectation, type Fixture, loadFixtures, type Outcome, signFixture } from "./fixtures.ts";
export { instant } from "./instant.ts";
export {
  declaredTopic,
  eventsOf,
  fetchObject,
  interpret,
  isThin,
  MAX_RECORDS,
  type ReceivedEvent,
  versionOf,
} from "./interpret.ts";
export { onePerson } from "./one-person.ts";
export { outcomeOf, type RecordSummary, summarise } from "./outcome.ts";
export { MAX_DEPTH, parseBody } from "./payload.ts";
export { type DeliveryFacts, type Expected, plainAccount, type Received, receive } from "./receive.ts";
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
  type CollectedSet,
  type CorrectedAddress,
  type CorrectedField,
  type Corrections,
  collected,
  type ErasureAnswer,
  type ErasureState,
  type PersonEntry,
  type RectificationAnswer,
  type Retention,
  type RightsApi,
  type RightsCapability,
  type RightsSection,
} from "./rights.ts";
export { freshSecret, secretFault } from "./secret.ts";
export { embeddedJson, optionalText, platformId } from "./shapes.ts";
export {
  basic,
  byHeader,
  decodeEntities,
  ecdsa,
  type HubSpotVersion,
  hmac,
  hubspot,
  platformSchemes,
  REFUSALS,
  type Refusal,
  type Signable,
  type SignatureScheme,
  standardWebhooks,
  type TimeFormat,
  timestamped,
  twilio,
  urlSecret,
  type Verdict,
} from "./signature/index.ts";
