import { LetheError } from "#schemas";

export const consentErrors = {
  unknownPurpose: (given: string, known: readonly string[]) =>
    new LetheError(
      "consent/unknown-purpose",
      `the controller has no purpose "${given}"; there are ${known.join(", ")}; add one with \`lethe consents purposes add\``,
    ),
  purposeExists: (id: string) =>
    new LetheError("consent/purpose-exists", `there is a purpose "${id}" already; choose another name`),
  unknownRecord: () =>
    new LetheError(
      "consent/unknown-record",
      "there is no consent record of this id; see `lethe consents list`",
    ),
  noReceipt: () =>
    new LetheError(
      "consent/no-receipt",
      "the record is an echo of a change that the hub made: nobody chose it, so there is no receipt of it",
    ),
  unknownSubject: () =>
    new LetheError("subject/unknown", "there is no data subject of this id; see `lethe subjects list`"),
  inFuture: () =>
    new LetheError("consent/in-the-future", "nobody has chosen in the future yet; give an earlier time"),
  /** It may pass: the platform may know of a later choice whose webhook is still on its way. */
  notApplied: () =>
    new LetheError(
      "platform/not-applied",
      "the platform's API took the change and holds something else; look at the person there, and try again with `lethe consents retry`",
      { retry: true },
    ),
};
