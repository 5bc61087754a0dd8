export { type Hub, startHub } from "./hub.ts";
export { type Holder, runningHub } from "./lock.ts";
export { hubDid, readWitness } from "./outside.ts";
export {
  type ProcessingStatus,
  processingStatus,
  resumeProcessing,
  type Switched,
  stopProcessing,
} from "./processing.ts";
export { type ControllerRow, openRooms, type Rooms } from "./rooms.ts";
