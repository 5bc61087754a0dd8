import { readConfig } from "#config"; import { openRooms } from "#hub"; import { ingest } from "../src/runtime/embedded/events.ts";
const rooms = await openRooms(readConfig(process.env));
try { console.log(await rooms.database.acrossControllers("lethe_runtime", (tx)=>ingest(tx,[{name:"x",data:{}},{name:"y"}],"a"))); } catch(e){console.log(e)}
await rooms.close();
