export { acme } from "./acme.ts";
export { freshDatabase, type TestDatabase } from "./database.ts";
export { openTestDoor } from "./door.ts";
export { childEnvironment, type HubProcess, startHubProcess } from "./hub-process.ts";
export { type CommandResult, runLethe } from "./lethe.ts";
export { type Load, startLoad } from "./load.ts";
export { openProcessing, type Processing, type Shop } from "./processing.ts";
export { freshRooms, type TestRooms } from "./rooms.ts";
export { fixture, sendFixture } from "./send.ts";
