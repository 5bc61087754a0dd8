export { type ApiAuth, bearer, oauth2Refresh } from "./auth.ts";
export {
  type ApiDeclaration,
  type CredentialStore,
  openApi,
  type PlatformApi,
  type WritableApi,
} from "./client.ts";
export { platformErrors } from "./errors.ts";
export { API_PATIENCE, missingCredentials, platformFault, sdkFault } from "./fault.ts";
