import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RightsKind } from "#schemas";
import { writtenDay, writtenOut } from "../written-date.ts";
import { mailTexts } from "./texts.ts";

const FACTS = {
  controller: "Acme & Söhne GmbH",
  requestId: "0b8f7a52-4d4c-4a55-9a0c-3f6f5d5f0001",
  kind: "erasure",
} as const;
const DUE = { at: "2026-02-28", timeZone: "Europe/Berlin" };
const LINK = "https://hub.example/rights/confirm/T0ken_x-1";

const verify = {
  ...FACTS,
  link: LINK,
  code: "04711815",
  expires: { at: "2026-02-28T15:04:00Z", timeZone: "Europe/Berlin" },
};
const all = () => [
  mailTexts.verify(verify),
  mailTexts.extended({ ...FACTS, due: DUE, reason: "complexity" }),
  mailTexts.denied({ ...FACTS, reason: "no_match", complaint: "You can complain to the <authority>." }),
  mailTexts.closed({
    ...FACTS,
    result: "fulfilled",
    platforms: [{ name: "Shopify", outcome: "done_verified" }],
    timeZone: "Europe/Berlin",
  }),
  mailTexts.ready({ ...FACTS, kind: "access", link: LINK, expires: DUE }),
  mailTexts.reminder({ ...FACTS, deadline: "answer", due: DUE }),
  mailTexts.overdue({ ...FACTS, deadline: "acknowledge", due: DUE }),
];

describe("the mail that asks for a confirmation", () => {
  test("has a link, a code, how long they count, and what to do if it was not you", () => {
    const { subject, text } = mailTexts.verify(verify);
    expect(subject).toBe("Acme & Söhne GmbH: please confirm your request");
    expect(text).toBe(`Hello,

Somebody, probably you, asked Acme & Söhne GmbH for the erasure of your personal data and gave this e-mail address. Please confirm that it was you: open this page and press the button on it.

Confirm the request:
${LINK}

If you are in touch with our privacy team, you can give them this code instead:

    04711815

The page and the code work once, until 28 February 2026, 16:04 (Europe/Berlin).

If it was not you, ignore this e-mail: without a confirmation nothing is handed out, changed or erased.

Acme & Söhne GmbH
Request ${FACTS.requestId}
`);
    expect(subject).not.toContain("04711815");
  });

  test("says what is asked for, whatever that is", () => {
    const texts = RightsKind.options.map((kind) => mailTexts.verify({ ...verify, kind }).text);
    expect(new Set(texts).size).toBe(RightsKind.options.length);
  });
});

test("an extension names the reason and the new date", () => {
  const { text } = mailTexts.extended({ ...FACTS, due: DUE, reason: "complexity" });
  expect(text).toContain("It is a complex one");
  expect(text).toContain("by 28 February 2026, end of day (Europe/Berlin) at the latest");
});

test("a denial names the reason, and where to complain", () => {
  const denied = (reason: Parameters<typeof mailTexts.denied>[0]["reason"]) =>
    mailTexts.denied({ ...FACTS, reason, complaint: "You can complain to the data protection authority." })
      .text;
  expect(denied("no_match")).toContain("We found nothing that is about you");
  expect(denied("insuf_verification")).toContain("could not make sure that it was you");
  expect(denied("other")).toContain("You can complain to the data protection authority.");
});

test("a closing letter says of each platform what became of the request, in plain words", () => {
  const { text } = mailTexts.closed({
    ...{ ...FACTS, result: "partly_fulfilled", timeZone: "Europe/Berlin" },
    platforms: [
      { name: "Shopify", outcome: "done_verified" },
      { name: "Mailchimp", outcome: "done" },
      { name: "Stripe", outcome: "retained", retained: { basis: "legal_obligation", until: "2036-12-31" } },
      { name: "Klaviyo", outcome: "not_found" },
      { name: "Eventbrite", outcome: "done", byHand: true },
      { name: "QuickBooks Online", outcome: "failed" },
    ],
  });
  expect(text).toContain("Not all of it was possible");
  expect(text).toContain(`- Shopify: Your data there were erased, and we looked again to be sure.
- Mailchimp: The platform took our request; when it is carried out, your data there are erased. It offers no way to look.
- Stripe: Some records have to be kept until 31 December 2036. They are kept because of a legal obligation. All else was erased.
- Klaviyo: Nothing was found there by what we know of you.
- Eventbrite: Your data there were erased, by our privacy team and by hand.
- QuickBooks Online: This could not be done there. Our privacy team has been told.`);
});

test("the mail with the download says that the passphrase is elsewhere, and how to open the file", () => {
  const { text } = mailTexts.ready({ ...FACTS, kind: "access", link: LINK, expires: DUE });
  expect(text).toContain(`Download:\n${LINK}`);
  expect(text).toContain("until 28 February 2026, end of day (Europe/Berlin)");
  expect(text).toContain("it is not in this e-mail");
});

test("the privacy team is reminded by id, kind and deadline", () => {
  const reminder = mailTexts.reminder({ ...FACTS, deadline: "answer", due: DUE });
  expect(reminder.subject).toBe(
    `Acme & Söhne GmbH: erasure request ${FACTS.requestId} is due 28 February 2026`,
  );
  expect(reminder.text).toContain(`lethe rights show ${FACTS.requestId}`);
  const overdue = mailTexts.overdue({ ...FACTS, deadline: "acknowledge", due: DUE });
  expect(overdue.subject).toContain("is overdue since 28 February 2026");
  expect(overdue.text).toContain(
    "confirm to the person that it was received: 28 February 2026, end of day (Europe/Berlin)",
  );
});

describe("every mail", () => {
  test("says in HTML what it says in plain text", () => {
    for (const { text, html } of all()) {
      const read = html
        .replace(/^.*<body>/s, "")
        .replace(/<[^>]*>/g, " ")
        .replace(/&amp;/g, "&")
        .replace(/&lt;/g, "<")
        .replace(/&gt;/g, ">")
        .replace(/&#39;/g, "'");
      const words = (from: string) => from.split(/[\s:]+/).filter((word) => /[a-z0-9]/i.test(word));
      expect(words(read)).toEqual(words(text));
    }
  });

  test("loads nothing, and links to nothing but what it was given", () => {
    for (const { html } of all()) {
      expect(html).not.toMatch(
        /<(img|link|script|style|iframe|object|form|video|audio|base)\b|url\(|@import|src=/i,
      );
      for (const [, address] of html.matchAll(/href="([^"]*)"/g)) expect(address).toBe(LINK);
    }
  });

  test("lets no name or sentence put markup into it", () => {
    const tags = ({ html }: { html: string }) => html.match(/<[^>]*>/g);
    const plain = mailTexts.denied({ ...FACTS, reason: "other", complaint: "x" });
    fc.assert(
      fc.property(HOSTILE, HOSTILE, (controller, complaint) => {
        expect(tags(mailTexts.denied({ ...FACTS, controller, reason: "other", complaint }))).toEqual(
          tags(plain),
        );
      }),
    );
  });
});

const HOSTILE = fc
  .array(
    fc.oneof(
      fc.constantFrom("<", ">", '"', "'", "&", "</p>", "<script>", " onload=", "\u0000", "<!--", "]]>"),
      fc.string(),
    ),
  )
  .map((parts) => parts.join(""));

describe("a date", () => {
  test.each([
    ["2026-02-28", "Europe/Berlin", "28 February 2026, end of day (Europe/Berlin)"],
    ["2026-02-28T22:59:59.999Z", "Europe/Berlin", "28 February 2026, end of day (Europe/Berlin)"],
    // Midnight, when the day has ended: nobody is to think that there is another day.
    ["2026-02-28T23:00:00Z", "Europe/Berlin", "28 February 2026, end of day (Europe/Berlin)"],
    ["2026-03-29T22:00:00Z", "Europe/Berlin", "29 March 2026, end of day (Europe/Berlin)"],
    ["2026-03-01T07:59:00Z", "America/Los_Angeles", "28 February 2026, end of day (America/Los_Angeles)"],
    ["2026-02-28T15:04:00Z", "Europe/Berlin", "28 February 2026, 16:04 (Europe/Berlin)"],
    ["2026-02-28T15:04:00+05:30", "Asia/Kolkata", "28 February 2026, 15:04 (Asia/Kolkata)"],
  ])("%s in %s is %s", (at, timeZone, expected) => {
    expect(writtenOut({ at, timeZone })).toBe(expected);
  });

  test("as a day is the day where the controller is", () => {
    expect(writtenDay({ at: "2026-02-28T23:30:00Z", timeZone: "Europe/Berlin" })).toBe("1 March 2026");
    expect(writtenDay({ at: "2026-02-28", timeZone: "America/Los_Angeles" })).toBe("28 February 2026");
    expect(() => writtenDay({ at: "soon", timeZone: "UTC" })).toThrow(RangeError);
  });
});
