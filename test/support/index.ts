export { freshDatabase, type TestDatabase } from "./database.ts";
export { freshRooms, type TestRooms } from "./rooms.ts";
