export {
  type ConnectionSettings,
  createConnection,
  listConnections,
  type NewConnection,
  removeConnection,
  rotateSecret,
  signingOf,
  updateConnection,
} from "./connections.ts";
export {
  type ControllerSettings,
  createController,
  listControllers,
  updateController,
} from "./controllers.ts";
export { controllerErrors } from "./errors.ts";
