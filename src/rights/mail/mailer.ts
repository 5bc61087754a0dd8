import { createRequire } from "node:module";
import type Nodemailer from "nodemailer";
import type { Personal } from "#schemas";
import { mailErrors } from "./errors.ts";
import { mailFault } from "./fault.ts";
import { isAddress, readSender, readServer } from "./server.ts";

export interface MailerOptions {
  /** `smtps://user:password@host:465` or `smtp://user:password@host:587`; see `readServer`. */
  readonly url: string;
  /** `Acme Privacy <privacy@acme.example>` */
  readonly from: string;
  /** Milliseconds that the server may take for each step: to be found, to connect, to greet, and to say the next thing. */
  readonly patience?: number;
}

export interface Mail {
  readonly to: Personal;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

export interface Mailer {
  /**
   * Resolves when the server has taken the mail. Throws `mail/*` errors; those that may pass have `retry`. A server whose
   * last answer got lost may have taken it nevertheless, so that a retry sends it twice.
   */
  send(mail: Mail): Promise<void>;
  /** Connects and signs in, and sends nothing. Throws as `send` does. */
  verify(): Promise<void>;
  /** Ends what is being sent, which fails then with one of those errors that may pass. */
  close(): void;
}

/** Milliseconds for each step. */
export const MAIL_PATIENCE = 10_000;

/** However many steps: a server that says a little now and then cannot hold a mail for ever. */
const STEPS = 6;

/** Sends mail by SMTP, a connection each: there are few of them. Throws `mail/bad-url` and `mail/bad-sender` at once. */
export function createMailer({ url, from, patience = MAIL_PATIENCE }: MailerOptions): Mailer {
  const sender = readSender(from);
  const { host, port, tls, auth } = readServer(url);
  const closing = new AbortController();
  const transport = library().createTransport({
    ...{ host, port, secure: tls === "implicit", requireTLS: tls === "starttls", ignoreTLS: tls === "off" },
    // A server that does not ask for the password is tried with it all the same: mail that nobody vouched for gets lost.
    ...(auth === undefined ? {} : { auth, forceAuth: true }),
    ...{
      connectionTimeout: patience,
      greetingTimeout: patience,
      socketTimeout: patience,
      dnsTimeout: patience,
    },
    ...{ socketCloseTimeout: 0, logger: false, debug: false, transactionLog: false },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });

  const patient = () => AbortSignal.any([closing.signal, AbortSignal.timeout(STEPS * patience)]);

  return {
    send: async ({ to, subject, text, html }) => {
      const address = to.reveal();
      if (!isAddress(address)) throw mailErrors.badAddress();
      const signal = patient();
      await transport
        .sendMail({
          from: sender,
          // An object is one address; a string would be parsed as a list of them.
          to: { name: "", address },
          subject: inOneLine(subject),
          text,
          ...(html === undefined ? {} : { html }),
          // RFC 3834: no "I am on holiday" comes back.
          headers: { "Auto-Submitted": "auto-generated" },
          xMailer: false,
          ...{ disableFileAccess: true, disableUrlAccess: true, signal },
        })
        .catch((error: unknown) => {
          throw mailFault(error);
        });
    },
    verify: async () => {
      const signal = patient();
      const late = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(mailErrors.unavailable()));
      });
      await Promise.race([transport.verify(), late]).catch((error: unknown) => {
        throw mailFault(error);
      });
    },
    close: () => {
      closing.abort();
      transport.close();
    },
  };
}

/** What breaks a line would begin another header. */
function inOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/** Loaded where a mail server is set: 40 files, 50 ms. */
function library(): typeof Nodemailer {
  return createRequire(import.meta.url)("nodemailer") as typeof Nodemailer;
}
