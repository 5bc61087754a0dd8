import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { CERTIFICATE, PRIVATE_KEY } from "./mailbox-certificate.ts";
import { type ReceivedMail, readMail } from "./received-mail.ts";

export type { ReceivedMail } from "./received-mail.ts";

/** A mail server on this machine, which keeps what it is sent. */
export interface Mailbox {
  /** For `createMailer`. Without TLS, unless it was opened with it. */
  readonly url: string;
  /** All that has arrived, in order. */
  readonly messages: readonly ReceivedMail[];
  /** The next one that no call has given yet; waits for it ten seconds at most. */
  next(): Promise<ReceivedMail>;
  /** From now on it refuses; without an argument, it takes mail again. */
  refuse(refusal?: Refusal): void;
  close(): Promise<void>;
}

export interface Refusal {
  /** At what it refuses: the connection, the password, the sender, the recipient, or the message when it is there. */
  readonly at: "connection" | "password" | "sender" | "recipient" | "message";
  /** The status that it answers with, such as 550, or `hang`: it says nothing any more. */
  readonly with: number | "hang";
  /** What it writes to the status. */
  readonly text?: string;
}

export interface MailboxOptions {
  /** `implicit`: from the first byte. `starttls`: offered. None if left out. */
  readonly tls?: "implicit" | "starttls";
  /** Who may send; anybody if left out. */
  readonly account?: { readonly user: string; readonly password: string };
}

/** Opens one on a port of its own. Its certificate is `CERTIFICATE` (mailbox-certificate.ts), which nobody trusts unless told to. */
export async function openMailbox({ tls, account }: MailboxOptions = {}): Promise<Mailbox> {
  const messages: ReceivedMail[] = [];
  let given = 0;
  let refusal: Refusal | undefined;
  const hear = new EventTarget();

  /** Goes on, or refuses, or says nothing any more. */
  const decide = (at: Refusal["at"], answer: (error?: Error) => void) => {
    if (refusal?.at !== at) return answer();
    if (refusal.with === "hang") return;
    answer(Object.assign(new Error(refusal.text ?? "No"), { responseCode: refusal.with }));
  };

  const server = new SMTPServer({
    ...{ secure: tls === "implicit", hideSTARTTLS: tls !== "starttls", key: PRIVATE_KEY, cert: CERTIFICATE },
    ...{ authOptional: account === undefined, allowInsecureAuth: true, hidePIPELINING: false },
    ...{ logger: false, disableReverseLookup: true, closeTimeout: 100 },
    onConnect: (_session, answer) => decide("connection", answer),
    onAuth: ({ username, password }, _session, answer) =>
      decide("password", (error) => {
        if (error !== undefined) return answer(error);
        if (username === account?.user && password === account?.password)
          return answer(null, { user: username });
        answer(Object.assign(new Error("No such user, or not that password"), { responseCode: 535 }));
      }),
    onMailFrom: (_address, _session, answer) => decide("sender", answer),
    onRcptTo: (_address, _session, answer) => decide("recipient", answer),
    onData: (stream, session, answer) => {
      void buffer(stream).then((bytes) =>
        decide("message", (error) => {
          if (error !== undefined) return answer(error);
          const { mailFrom, rcptTo } = session.envelope;
          messages.push(
            readMail(bytes.toString("latin1"), {
              from: mailFrom === false ? "" : mailFrom.address,
              to: rcptTo.map(({ address }) => address),
              ...{
                secure: session.secure,
                user: typeof session.user === "string" ? session.user : undefined,
              },
            }),
          );
          hear.dispatchEvent(new Event("mail"));
          answer();
        }),
      );
    },
  });
  // A client that gives up in the middle is what some tests are about.
  server.on("error", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const address = server.server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const signIn = account === undefined ? "" : `${account.user}:${encodeURIComponent(account.password)}@`;

  return {
    url: `${tls === "implicit" ? "smtps" : "smtp"}://${signIn}127.0.0.1:${port}${tls === "starttls" ? "?tls=required" : ""}`,
    messages,
    next: async () => {
      while (messages[given] === undefined)
        await once(hear, "mail", { signal: AbortSignal.timeout(10_000) }).catch(() => {
          throw new Error("no mail has arrived");
        });
      const message = messages[given];
      given += 1;
      if (message === undefined) throw new Error("no mail has arrived");
      return message;
    },
    refuse: (next) => {
      refusal = next;
    },
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}
