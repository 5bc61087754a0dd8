export {
  type ConnectionSettings,
  createConnection,
  listConnections,
  type NewConnection,
  removeConnection,
  rotateSecret,
  secretsOf,
  updateConnection,
} from "./connections.ts";
export { createController, listControllers } from "./controllers.ts";
export { controllerErrors } from "./errors.ts";
