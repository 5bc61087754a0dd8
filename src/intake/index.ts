export {
  CONNECTIONS_CHANGED,
  type ConnectionDirectory,
  currentSecrets,
  openDirectory,
  openSecrets,
  sealSecrets,
  type WebhookSecret,
} from "./connections.ts";
export { type Credentials, credentialStore, sealCredentials } from "./credentials.ts";
export {
  type DeliveryFilter,
  deliveryBacklog,
  expireDeliveries,
  forgottenDeliveries,
  listDeliveries,
  noteFailure,
  type Settlement,
  settleDeliveries,
  shredPayloads,
} from "./deliveries.ts";
export { type Admission, type Arrival, type Door, type Observed, openDoor } from "./door.ts";
export { intakeErrors } from "./errors.ts";
export { claimEvents, type EventKey, eventKey, knownEvents } from "./events.ts";
export { forgetDeliveries } from "./forget.ts";
export { type Inbox, openInbox } from "./inbox.ts";
export {
  type DeliveryConnection,
  type PendingDelivery,
  pendingDeliveries,
  siblingsOf,
} from "./pending.ts";
export { type ReplayOutcome, replayDeliveries } from "./replay.ts";
export { removeDeliveries } from "./retention.ts";
export { openRequest, type StoredRequest, sealRequest } from "./sealed-request.ts";
