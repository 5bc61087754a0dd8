import { LetheError } from "#schemas";

/** What can be wrong with a payload that was correctly signed. Trying again does not help: replay after a fix does. */
export const payloadErrors = {
  unreadable: (format: "json" | "form") =>
    new LetheError(
      "payload/unreadable",
      `the body is not ${format === "json" ? "UTF-8 JSON" : "a UTF-8 form"}; check that nothing between the platform and the hub rewrites it`,
    ),
  tooDeep: (limit: number) =>
    new LetheError("payload/too-deep", `the body is nested deeper than ${limit} levels`),
  tooManyEvents: (limit: number) =>
    new LetheError("payload/too-many-events", `the body carries more than ${limit} events`),
  noTopic: () =>
    new LetheError("payload/no-topic", "the request does not say what it is about (its topic is missing)"),
  /** `where` holds schema paths only, never values. */
  unexpectedShape: (where: string) =>
    new LetheError(
      "payload/unexpected-shape",
      `the payload is not what the connector expects at ${where}; if the platform changed it, update the connector and replay`,
    ),
  unknownAccount: () =>
    new LetheError(
      "payload/unknown-account",
      "the event is for an account that this controller has no connection to with the same webhook secret; add one and replay",
    ),
  connectorFault: () =>
    new LetheError(
      "payload/connector-fault",
      "the connector threw while it read the payload; mend the connector and replay",
    ),
};

/** What is wrong with a connector. Found when it is loaded, so that it never sees a request. */
export const connectorErrors = {
  invalid: (id: string, fault: string) =>
    new LetheError("connector/invalid", `connector "${id}" is refused: ${fault}`),
  badFixture: (name: string, fault: string) =>
    new LetheError("connector/bad-fixture", `fixture ${name}.http: ${fault}`),
  /** `where` is a place in the configuration, which is the operator's own text. */
  badConfiguration: (faults: readonly { where: string; fault: string }[]) =>
    new LetheError(
      "connector/bad-configuration",
      `the configuration is refused: ${faults.map(({ where, fault }) => `${where}: ${fault}`).join("; ")}`,
    ),
  /** For whoever wants to send a sample: `why` says what is missing, never what was given. */
  cannotSign: (why: string) =>
    new LetheError("connector/cannot-sign", `a request for this connection cannot be signed here: ${why}`),
};
