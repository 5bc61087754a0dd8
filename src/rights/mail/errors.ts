import { LetheError } from "#schemas";

/** What can go wrong when mail is sent. Neither an address nor what the server wrote goes into a message; its status may. */
export const mailErrors = {
  badUrl: (advice: string) =>
    new LetheError(
      "mail/bad-url",
      `the mail server's URL ${advice}; write it as smtps://user:password@host:465 or smtp://user:password@host:587, with characters such as @ and / in the password as %40 and %2F`,
    ),
  badSender: () =>
    new LetheError(
      "mail/bad-sender",
      "the sender of mail must be one address, such as Acme Privacy <privacy@acme.example>",
    ),
  badAddress: () =>
    new LetheError("mail/bad-address", "the recipient's address is not one that mail can be sent to"),
  noTls: () =>
    new LetheError(
      "mail/no-tls",
      "the mail server offers no TLS, or a certificate that is not valid for its name; nothing was sent. Use the name that its certificate is for, and name a private authority in NODE_EXTRA_CA_CERTS; only in a network that is your own, add ?tls=off to its URL",
    ),
  unauthorised: (status: number | undefined) =>
    new LetheError(
      "mail/unauthorised",
      `the mail server refuses the user and password of its URL${inBrackets(status)}; correct them`,
    ),
  refusedRecipient: (status: number) =>
    new LetheError(
      "mail/refused-recipient",
      `the mail server refuses the recipient's address (${status}); ask the person for another one`,
    ),
  refused: (status: number | undefined) =>
    new LetheError(
      "mail/refused",
      `the mail server refuses the message${inBrackets(status)}; look into its log for the reason`,
    ),
  busy: (status: number) =>
    new LetheError("mail/busy", `the mail server cannot take mail now (${status}); it is tried again`, {
      retry: true,
    }),
  unavailable: () =>
    new LetheError("mail/unavailable", "the mail server does not answer; it is tried again", { retry: true }),
};

const inBrackets = (status: number | undefined) => (status === undefined ? "" : ` (${status})`);
