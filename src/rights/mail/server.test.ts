import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createMailer } from "./mailer.ts";
import { readSender, readServer } from "./server.ts";

const FROM = "Acme Privacy <privacy@acme.example>";

describe("TLS", () => {
  test("is left out for this machine itself, and elsewhere only by an explicit option", () => {
    for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]"])
      expect(readServer(`smtp://${host}:25`).tls).toBe("off");
    for (const host of [
      "mail.acme.example",
      "localhost.acme.example",
      "127.0.0.1.acme.example",
      "10.0.0.1",
      "[::2]",
    ])
      expect(readServer(`smtp://${host}:25`).tls).toBe("starttls");
    expect(readServer("smtp://mail:25?tls=off").tls).toBe("off");
    expect(readServer("smtp://localhost?tls=required").tls).toBe("starttls");
    expect(readServer("smtps://localhost").tls).toBe("implicit");
  });
});

describe("the URL of a mail server", () => {
  test("has host, port, user and password", () => {
    expect(readServer("smtps://hub%40acme.example:p%2F%40%3As@Mail.acme.example")).toEqual({
      ...{ host: "mail.acme.example", port: 465, tls: "implicit" },
      auth: { user: "hub@acme.example", pass: "p/@:s" },
    });
    expect(readServer("smtp://mail.acme.example/")).toEqual({
      ...{ host: "mail.acme.example", port: 587, tls: "starttls", auth: undefined },
    });
    expect(readServer("smtp://[::1]:2525")).toMatchObject({ host: "::1", port: 2525 });
  });

  test.each([
    "",
    "mail.acme.example:25",
    "https://s3cret@mail.acme.example",
    "smtp://",
    "smtp:mail.acme.example",
    "smtp://hub:s3cret%@mail.acme.example",
    "smtp://hub:s3cret@mail.acme.example/path",
    "smtp://hub:s3cret@mail.acme.example#s3cret",
    "smtp://hub:s3cret@mail.acme.example?tls=maybe",
    "smtps://hub:s3cret@mail.acme.example?tls=off",
    "smtp://hub:s3cret@mail.acme.example?tls.rejectUnauthorized=false",
    "smtp://hub:s3cret@mail.acme.example?logger=true",
  ])("is refused when it is %j, and never shown", (url) => {
    let refusal: unknown;
    try {
      createMailer({ url, from: FROM });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: "mail/bad-url", retry: false });
    expect(inspect(refusal, { depth: 9, showHidden: true }).replace(/user:password@host/g, "")).not.toMatch(
      /s3cret|acme/,
    );
  });
});

test("the sender is one address, with or without a name", () => {
  expect(readSender(FROM)).toEqual({ name: "Acme Privacy", address: "privacy@acme.example" });
  expect(readSender("privacy@acme.example")).toEqual({ name: "", address: "privacy@acme.example" });
  for (const from of [
    "",
    "Acme",
    "a@b.example, c@d.example",
    "Acme: a@b.example;c@d.example;",
    "Acme <a@b@c>",
  ])
    expect(() => readSender(from)).toThrow(expect.objectContaining({ code: "mail/bad-sender" }));
});
