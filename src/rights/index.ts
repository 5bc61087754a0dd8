export {
  listRightsRequests,
  type NewRightsRequest,
  type RecordedRequest,
  recordRightsRequests,
} from "./requests.ts";
