import { LetheError, type RightsStatus } from "#schemas";

export const rightsErrors = {
  unknown: () =>
    new LetheError("rights/unknown", "there is no such request; see `lethe rights list`", { status: 404 }),
  unknownTask: () =>
    new LetheError("rights/unknown-task", "there is no such task; see `lethe rights show <request>`"),
  illegalMove: (from: RightsStatus, to: RightsStatus) =>
    new LetheError(
      "rights/illegal-move",
      `the request is ${from} and cannot become ${to}; \`lethe rights show\` tells how it got there`,
      { status: 409 },
    ),
  onHold: (ground: string, reference: string) =>
    new LetheError(
      "rights/legal-hold",
      `nothing of this person may be erased: there is a legal hold (${ground}, ${reference}); release it with \`lethe subjects release\`, or deny the request`,
    ),
  wrongCode: () =>
    new LetheError(
      "rights/wrong-code",
      "the code is wrong, was used before, or is too old; nothing was done",
      {
        status: 403,
      },
    ),
  spentCode: () =>
    new LetheError(
      "rights/code-spent",
      "too many wrong codes: use the link in the message, or send the request again for another code",
      { status: 403 },
    ),
  deadLink: () =>
    new LetheError("rights/dead-link", "the link is not one of ours, was used before, or is too old", {
      status: 404,
    }),
  cannotExtend: () =>
    new LetheError(
      "rights/no-extension",
      "the law that this request is answered by knows no extension, or only one and before its deadline",
    ),
  cannotPause: () =>
    new LetheError(
      "rights/no-pause",
      "the law that this request is answered by does not let its clock stand still, or it does already",
    ),
  notPaused: () => new LetheError("rights/not-paused", "its clock does not stand still"),
  taskNotWaiting: (status: string) =>
    new LetheError(
      "rights/task-not-waiting",
      `the task is ${status}: only one that is manual or failed can be completed or tried again`,
    ),
  overtaken: () =>
    new LetheError("rights/overtaken", "another run is at the same task; it is looked at again", {
      retry: true,
    }),
  badNote: (fault: string) => new LetheError("rights/bad-note", `the note ${fault}`),
  noBundle: () =>
    new LetheError(
      "rights/no-bundle",
      "there is no file for this request: it is made when an access or portability request is fulfilled, and deleted when it expires",
      { status: 404 },
    ),
  notClosed: () =>
    new LetheError("rights/not-closed", "there is evidence when a request is closed; this one is not yet"),
  noEvidenceYet: () =>
    new LetheError(
      "rights/not-sealed-yet",
      "the audit log does not yet cover the last events of the request; try again in a moment (a hub must be running)",
    ),
  nobodyNamed: () =>
    new LetheError("rights/nobody-named", "say whose request it is: --email -, --phone - or --subject <id>"),
  badAddress: () =>
    new LetheError(
      "rights/bad-address",
      "that is no e-mail address, or no phone number with its country code",
      {
        status: 400,
      },
    ),
  notTheirAddress: () =>
    new LetheError(
      "rights/not-their-address",
      "the address is not known to be this data subject's, and whoever has it could confirm the request as theirs; open it with --subject alone, and verify by hand (`lethe rights verify`)",
    ),
  unknownSubject: () => new LetheError("subject/unknown", "there is no data subject of this id"),
  noCorrections: () =>
    new LetheError("rights/no-corrections", "say what is to be corrected, as JSON: --corrections <file>", {
      status: 400,
    }),
  inFuture: () => new LetheError("rights/in-the-future", "a request cannot have been received in the future"),
};
