import type { Hub, startHub as start } from "./hub.ts";

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
export type { Hub };

/** Loads the door, the workflows and their runtime first, which no other command needs. */
export const startHub: typeof start = async (config, log) => (await import("./hub.ts")).startHub(config, log);
