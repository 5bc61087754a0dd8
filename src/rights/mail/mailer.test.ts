import { createServer, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LetheError, Personal } from "#schemas";
import { type Mailbox, type MailboxOptions, openMailbox } from "../../../test/support/mailbox.ts";
import { CERTIFICATE } from "../../../test/support/mailbox-certificate.ts";
import { createMailer } from "./mailer.ts";

const FROM = "Acme Privacy <privacy@acme.example>";
const JENNY = "jenny.canary@example.com";
const MAIL = { to: new Personal(JENNY), subject: "Hello", text: "Text." };

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function mailbox(options?: MailboxOptions): Promise<Mailbox> {
  const opened = await openMailbox(options);
  open.push(opened.close);
  return opened;
}

function mailer(url: string, patience = 2_000) {
  const made = createMailer({ url, from: FROM, patience });
  open.push(made.close);
  return made;
}

/** What a promise fails with, which says nothing of the address, the password, or what the server wrote. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LetheError);
  const shown = inspect(error, { depth: 9, showHidden: true });
  for (const secret of ["canary", "s3cret", "jenny", "Text."]) expect(shown).not.toContain(secret);
  return error;
}
const code = (expected: string, more: object = {}) => expect.objectContaining({ code: expected, ...more });

describe("a mail", () => {
  test("arrives as it was written, from the sender, to one address, and asks for no automatic answer", async () => {
    const { url, next } = await mailbox();
    await mailer(url).send({
      ...MAIL,
      subject: "Größe: bitte bestätigen – 確認",
      text: `Grüße\n.\n${"long ".repeat(40)}\n=3D https://hub.example/r/abc?x=1`,
      html: "<p>Grüße &amp; <a href='https://hub.example/r/abc?x=1'>here</a></p>",
    });
    const mail = await next();
    expect(mail).toMatchObject({
      ...{ from: "privacy@acme.example", to: [JENNY], subject: "Größe: bitte bestätigen – 確認" },
      html: expect.stringContaining("<p>Grüße &amp; <a href='https://hub.example/r/abc?x=1'>here</a></p>"),
    });
    expect(mail.text.trim()).toBe(`Grüße\n.\n${"long ".repeat(40)}\n=3D https://hub.example/r/abc?x=1`);
    expect(mail.headers.get("from")).toEqual(["Acme Privacy <privacy@acme.example>"]);
    expect(mail.headers.get("to")).toEqual([JENNY]);
    expect(mail.headers.get("auto-submitted")).toEqual(["auto-generated"]);
    expect(mail.headers.has("x-mailer")).toBe(false);
  });

  test("cannot get a header, or a second recipient, through its subject or address", async () => {
    const { url, next } = await mailbox();
    const sending = mailer(url);
    const dangerous = fc.array(
      fc.constantFrom(
        "\r\n",
        "\n",
        "\r",
        "\u0000",
        "\u2028",
        "\u0085",
        "Bcc: eve@evil.example",
        "é",
        ",",
        "a@b.example",
        "\r\n\r\n<p>",
      ),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(dangerous, async (parts) => {
        await sending.send({ ...MAIL, subject: `Hello ${parts.join("")}` });
        const mail = await next();
        expect(mail.to).toEqual([JENNY]);
        expect([...mail.headers.keys()].sort()).toEqual(HEADERS);
        const to = new Personal(`${JENNY}${parts.join("")}`);
        if (parts.some((part) => part !== "é"))
          expect(await failure(sending.send({ ...MAIL, to }))).toEqual(code("mail/bad-address"));
      }),
      { numRuns: 20 },
    );
    for (const to of [
      "",
      "jenny",
      "a@b@c",
      "a b@c.example",
      "<a@b.example>",
      '"a"@b.example',
      "a@b.example, c@d.example",
      "a@b.example\r\nRCPT TO:<c@d.example>",
    ])
      expect(await failure(sending.send({ ...MAIL, to: new Personal(to) }))).toEqual(
        code("mail/bad-address"),
      );
  });
});

const HEADERS = [
  ...["auto-submitted", "content-transfer-encoding", "content-type", "date", "from"],
  ...["message-id", "mime-version", "subject", "to"],
];

describe("a mail server", () => {
  test("is signed in to with the user and password of its URL", async () => {
    const account = { user: "hub", password: "s3cret/@:%" };
    const { url, next } = await mailbox({ account });
    await mailer(url).verify();
    await mailer(url).send(MAIL);
    expect((await next()).user).toBe("hub");
    expect(await failure(mailer(url.replace("s3cret", "0ther-s3cret")).verify())).toEqual(
      code("mail/unauthorised", { retry: false, message: expect.stringContaining("(535)") }),
    );
    expect(await failure(mailer(url.replace(/\/\/.*@/, "//")).send(MAIL))).toEqual(code("mail/refused"));
  });

  test.each([
    ["connection", 421, "mail/busy", true],
    ["connection", 554, "mail/refused", false],
    ["sender", 451, "mail/busy", true],
    ["sender", 550, "mail/refused", false],
    ["recipient", 450, "mail/busy", true],
    ["recipient", 550, "mail/refused-recipient", false],
    ["message", 452, "mail/busy", true],
    ["message", 503, "mail/busy", true],
    ["message", 554, "mail/refused", false],
  ] as const)("that refuses the %s with %d is %s", async (at, status, expected, retry) => {
    const { url, refuse, next } = await mailbox();
    refuse({ at, with: status, text: `<${JENNY}>: s3cret reason` });
    const sending = mailer(url);
    expect(await failure(sending.send(MAIL))).toEqual(
      code(expected, { retry, message: expect.stringContaining(`(${status})`) }),
    );
    refuse();
    await sending.send(MAIL);
    expect((await next()).to).toEqual([JENNY]);
  });

  test("that cannot check a password now is asked again", async () => {
    const { url, refuse } = await mailbox({ account: { user: "hub", password: "s3cret" } });
    refuse({ at: "password", with: 454 });
    expect(await failure(mailer(url).send(MAIL))).toEqual(code("mail/busy", { retry: true }));
  });

  test.each(["connection", "sender", "recipient", "message"] as const)(
    "that says nothing any more at the %s is given up",
    async (at) => {
      const { url, refuse } = await mailbox();
      refuse({ at, with: "hang" });
      const started = performance.now();
      expect(await failure(mailer(url, 300).send(MAIL))).toEqual(code("mail/unavailable", { retry: true }));
      expect(performance.now() - started).toBeLessThan(3_000);
    },
  );

  test("that always says a little is given up, too", async () => {
    const url = await listen((socket) => {
      socket.write("220 hello\r\n");
      const timer = setInterval(() => socket.write("250-wait\r\n"), 50);
      socket.on("close", () => clearInterval(timer)).on("error", () => undefined);
    });
    const sending = mailer(url, 300);
    expect(await failure(sending.send(MAIL))).toEqual(code("mail/unavailable", { retry: true }));
    expect(await failure(sending.verify())).toEqual(code("mail/unavailable", { retry: true }));
  });

  test("that is not there, or hangs up, or speaks something else, is tried again", async () => {
    const gone = await openMailbox();
    await gone.close();
    expect(await failure(mailer(gone.url).send(MAIL))).toEqual(code("mail/unavailable", { retry: true }));
    expect(await failure(mailer(gone.url).verify())).toEqual(code("mail/unavailable", { retry: true }));
    const rude = await listen((socket) => void socket.destroy());
    expect(await failure(mailer(rude).send(MAIL))).toEqual(code("mail/unavailable", { retry: true }));
    const web = await listen((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await failure(mailer(web).send(MAIL))).toEqual(code("mail/unavailable", { retry: true }));
  });

  test("is left when the hub stops", async () => {
    const { url, refuse } = await mailbox();
    refuse({ at: "message", with: "hang" });
    const sending = mailer(url, 10_000);
    const sent = failure(sending.send(MAIL));
    setTimeout(sending.close, 200);
    expect(await sent).toEqual(code("mail/unavailable", { retry: true }));
  });

  test("has nothing logged of what is sent to it", async () => {
    const written = vi.spyOn(process.stdout, "write");
    const complained = vi.spyOn(process.stderr, "write");
    const { url, refuse } = await mailbox();
    await mailer(url).send(MAIL);
    refuse({ at: "recipient", with: 550, text: JENNY });
    await failure(mailer(url).send(MAIL));
    for (const spy of [written, complained]) {
      expect(JSON.stringify(spy.mock.calls)).not.toContain("canary");
      spy.mockRestore();
    }
  });
});

describe("TLS", () => {
  test("is required: a server without it, or whose certificate nobody vouches for, gets nothing", async () => {
    const plain = await mailbox();
    expect(await failure(mailer(`${plain.url}?tls=required`).send(MAIL))).toEqual(
      code("mail/no-tls", { retry: false }),
    );
    expect(await failure(mailer(plain.url.replace("smtp:", "smtps:")).send(MAIL))).toEqual(
      code("mail/no-tls"),
    );
    for (const tls of ["implicit", "starttls"] as const) {
      const stranger = await mailbox({ tls, account: { user: "hub", password: "s3cret" } });
      expect(await failure(mailer(stranger.url).send(MAIL))).toEqual(code("mail/no-tls"));
      expect(await failure(mailer(stranger.url).verify())).toEqual(code("mail/no-tls"));
      expect(stranger.messages).toEqual([]);
    }
  });

  test.each(["implicit", "starttls"] as const)("%s protects password and mail", async (tls) => {
    const trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, CERTIFICATE]);
    open.push(() => setDefaultCACertificates(trusted));
    const { url, next } = await mailbox({ tls, account: { user: "hub", password: "s3cret" } });
    await mailer(url).verify();
    await mailer(url).send(MAIL);
    expect(await next()).toMatchObject({ secure: true, user: "hub", to: [JENNY] });
  });
});

async function listen(answer: (socket: Socket) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  open.push(() => server.close());
  const address = server.address();
  return `smtp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
