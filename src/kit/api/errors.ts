import { LetheError } from "#schemas";

/** What can go wrong when a platform's API is asked. Nothing of an answer goes into a message. */
export const platformErrors = {
  foreignHost: () =>
    new LetheError(
      "platform/foreign-host",
      "the payload points to an address that is not the platform's own API; nothing was fetched",
    ),
  unauthorised: (status: number) =>
    new LetheError(
      "platform/unauthorised",
      `the platform's API refuses the connection's credentials (${status}); set new ones with \`lethe connection update --credentials\`, and try again what failed or waited`,
    ),
  noCredentials: (field: string) =>
    new LetheError(
      "platform/no-credentials",
      `the connection's credentials have no usable "${field}"; give it with \`lethe connection add --credentials\` or \`lethe connection update --credentials\`, and try again what failed or waited`,
    ),
  notRenewed: (status: number) =>
    new LetheError(
      "platform/not-renewed",
      `the platform gave no new access token (${status}); connect its account anew, set the credentials with \`lethe connection update --credentials\`, and try again what failed or waited`,
    ),
  refused: (status: number) =>
    new LetheError(
      "platform/refused",
      `the platform's API answered ${status}, which trying again will not mend`,
    ),
  unreadable: () =>
    new LetheError(
      "platform/unreadable",
      "the platform's API answered with something that is not JSON, or not of the form that it documents",
    ),
  tooLarge: (limit: number) =>
    new LetheError("platform/too-large", `the platform's API answered with more than ${limit} bytes`),
  rateLimited: (milliseconds: number | undefined) =>
    new LetheError("platform/rate-limited", "the platform's API asks for patience; it is tried again", {
      retry: true,
      ...(milliseconds === undefined ? {} : { retryAfter: milliseconds }),
    }),
  /** `what`: its name at the platform. */
  notSetUp: (what: string) =>
    new LetheError(
      "platform/not-set-up",
      `${what} is not set up at the platform, so that a choice would have no effect there; set it up and try again`,
    ),
  unavailable: (status?: number, milliseconds?: number) =>
    new LetheError(
      "platform/unavailable",
      `the platform's API ${status === undefined ? "does not answer" : `answered ${status}`}; it is tried again`,
      { retry: true, ...(milliseconds === undefined ? {} : { retryAfter: milliseconds }) },
    ),
};
