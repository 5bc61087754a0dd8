export { type Hub, readWitness, startHub } from "./hub.ts";
export { type Holder, runningHub } from "./lock.ts";
export { type ControllerRow, openRooms, type Rooms } from "./rooms.ts";
