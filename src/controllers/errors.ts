import { LetheError } from "#schemas";

export const controllerErrors = {
  unknown: (id: string) =>
    new LetheError("controller/unknown", `there is no controller ${id}; see \`lethe controller list\``),
  unknownConnection: (id: string) =>
    new LetheError("connection/unknown", `there is no connection ${id}; see \`lethe connection list\``),
  unknownConnector: (name: string, known: readonly string[]) =>
    new LetheError(
      "connection/unknown-connector",
      `there is no connector "${name}"; there are ${known.join(", ")}`,
    ),
  emptySecret: () =>
    new LetheError(
      "connection/empty-secret",
      "the webhook secret is empty, so anybody could sign with it; set one on the platform and give it here",
    ),
  badSecret: (connector: string, form: string) =>
    new LetheError(
      "connection/bad-secret",
      `the webhook secret is not one of ${connector}'s: it must be ${form}`,
    ),
  badCredentials: (connector: string, faults: string) =>
    new LetheError(
      "connection/bad-credentials",
      `the credentials are not what ${connector} needs: ${faults}`,
    ),
  noConfiguration: (connector: string) =>
    new LetheError(
      "connection/no-configuration",
      `${connector} works only with a configuration: a JSON file given with --configuration (see docs/connectors.md)`,
    ),
  notConfigurable: (connector: string) =>
    new LetheError(
      "connection/not-configurable",
      `${connector} has nothing to configure; leave --configuration out`,
    ),
  badPurposes: (fault: string) =>
    new LetheError("connection/bad-purposes", `the connection's purposes are refused: ${fault}`),
  badRegion: () =>
    new LetheError("connection/bad-region", "--region is a country of ISO 3166-1 alpha-2, such as DE or US"),
};
