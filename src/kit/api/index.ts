export { type ApiAuth, bearer, oauth2Refresh } from "./auth.ts";
export { type ApiDeclaration, type CredentialStore, openApi, type PlatformApi } from "./client.ts";
export { API_PATIENCE, platformFault, sdkFault } from "./fault.ts";
