import type { Refusal } from "#kit";
import { LetheError } from "#schemas";

/** What the door answers. The texts go to a platform's delivery log, where an engineer will read them. */
export const intakeErrors = {
  unknownConnection: () =>
    new LetheError(
      "intake/unknown-connection",
      "there is no such connection; copy the URL that `lethe connection list` shows",
      {
        status: 404,
      },
    ),
  busy: () =>
    new LetheError("intake/busy", "too many requests are under way; try again in a moment", {
      status: 503,
      retry: true,
    }),
  misconfigured: () =>
    new LetheError(
      "intake/misconfigured",
      "the connection's configuration is not valid any more; replace it with `lethe connection update --configuration`",
      { status: 503, retry: true },
    ),
  cutOff: () =>
    new LetheError("intake/cut-off", "the request broke off before its body was whole", { status: 400 }),
  tooLarge: (limit: number) =>
    new LetheError(
      "intake/too-large",
      `the body is larger than ${limit} bytes; raise LETHE_MAX_BODY if that is expected`,
      {
        status: 413,
      },
    ),
  refused: (reason: Refusal) =>
    new LetheError("intake/signature-refused", `${REFUSAL_TEXT[reason]} (${reason})`, {
      status: reason === "wrong_content_type" ? 415 : 401,
    }),
  tooManyRefusals: () =>
    new LetheError(
      "intake/too-many-refusals",
      "too many requests that do not verify have come from this address; those that verify are still accepted",
      { status: 429 },
    ),
  methodNotAllowed: (allowed: readonly string[]) =>
    new LetheError("intake/method-not-allowed", `this URL takes ${allowed.join(", ")}`, { status: 405 }),
  notStored: (cause: unknown) =>
    new LetheError(
      "intake/not-stored",
      "the delivery could not be stored and is not acknowledged; send it again",
      {
        status: 503,
        retry: true,
        cause,
      },
    ),
  notReplayable: (status: string) =>
    new LetheError(
      "intake/not-replayable",
      `only a failed delivery can be replayed, and this one is ${status}`,
    ),
  unknownDelivery: () => new LetheError("intake/unknown-delivery", "there is no delivery of this id"),
  noCredentials: () =>
    new LetheError(
      "intake/no-credentials",
      "the connection has no credentials; set them with `lethe connection update --credentials`",
    ),
  payloadGone: () =>
    new LetheError("intake/payload-gone", "the delivery's payload was shredded when its replay window ended"),
};

const REFUSAL_TEXT: Record<Refusal, string> = {
  no_secret: "the connection has no usable secret; set one with `lethe connection rotate-secret`",
  missing_header: "a header that the platform always sends is missing",
  missing_signature: "the request is not signed",
  malformed_signature: "the signature is not of the platform's form",
  missing_timestamp: "the signature has no timestamp",
  malformed_timestamp: "the signature's timestamp is not a time",
  timestamp_too_old: "the signature is too old; check both clocks",
  timestamp_in_future: "the signature is from the future; check both clocks",
  mismatch:
    "the signature does not fit; check that the connection has the platform's current secret, and that nothing rewrites the body",
  wrong_content_type:
    "the Content-Type is not what the platform sends; check that nothing rewrites it (with curl, give it with -H)",
  header_disagrees: "a header that is not signed says something else than the signed body",
  wrong_account: "the request is for another account than the connection's",
};
