import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collected } from "#kit";
import { FACTS, KLAVIYO, SHOPIFY, withRecords } from "../../../test/support/bundle.ts";
import type { BundleFacts, PlatformPart } from "./facts.ts";
import { readableRecords } from "./records.ts";
import { report } from "./report.ts";

const reportOf = (facts: BundleFacts) => report(facts).text;

describe("the report", () => {
  test("says in plain words what the hub knows: who, what for, on what ground, with whom, and what was agreed", () => {
    const text = words(reportOf(FACTS));
    for (const expected of [
      "Your personal data at Acme & Söhne GmbH",
      "You asked for a copy of your personal data on 1 February 2026. This is the answer, made on 10 February 2026, 13:00 (Europe/Berlin).",
      "E-mail address Shopify",
      "Customer number Klaviyo",
      "order created to deliver what you ordered a contract with you (GDPR Art. 6(1)(b)) name, purchase history Shopify Inc. Shopify 2 times, from 1 March 2025, 09:00 (Europe/Berlin) to 16 January 2026, 00:30 (Europe/Berlin)",
      "Marketing by e-mail You withdrew it 20 January 2026, 10:00 (Europe/Berlin) It is the last that you chose.",
      "You withdrew it unsubscribe Klaviyo your consent It decides",
      "access 1 February 2026, 11:00 (Europe/Berlin) received 0b8f7a52-4d4c-4a55-9a0c-3f6f5d5f0001",
      "How long your data are kept Orders are kept for ten years.",
      "Where you can complain Ask Acme & Söhne GmbH about this: privacy@acme.example.",
    ])
      expect(text).toContain(expected);
  });

  test("says that the hub knows nobody, where it does not", () => {
    const hub = { ...FACTS.hub, subject: null, activities: [], consents: [], requests: [] };
    expect(words(reportOf({ ...FACTS, hub }))).toContain("The hub knows nobody by what you gave us.");
  });

  test("shows what each platform holds, and says why where there is nothing or not all", () => {
    const text = words(reportOf(FACTS));
    for (const expected of [
      "What Shopify holds Your data there were collected for you. customers: 1 Categories of data: name, email address.",
      "id gid://shopify/Customer/1 firstName Carla lastName Canary tags a, b addresses 1 › city Köln addresses 1 › note –",
      "There are more of these than could be collected.",
      "What Klaviyo holds Nothing was found there by what we know of you.",
    ])
      expect(text).toContain(expected);
    const why = (outcome: PlatformPart["outcome"]) =>
      words(
        reportOf({
          ...FACTS,
          platforms: [{ name: "Stripe", connectionId: KLAVIYO, outcome, sets: [] }],
        }),
      );
    expect(why("manual")).toContain("What Stripe holds This has to be done there by hand");
    expect(why("failed")).toContain("This could not be done there.");
    expect(why("unsupported")).toContain("This cannot be done there.");
  });

  test("shows so much of a large set as can be read, and says where the rest is", () => {
    const records = Array.from({ length: 700 }, (_, id) => ({ id }));
    const platform = {
      ...withRecords("[]").platforms[0],
      sets: [collected("orders", [], records)],
    } as PlatformPart;
    const page = reportOf({ ...FACTS, platforms: [platform] });
    expect(page.match(/<caption>orders, /g)).toHaveLength(500);
    expect(words(page)).toContain("The first 500 are shown here; all of them are in platform-01.json.");
    expect(words(reportOf(withRecords(`[${"[".repeat(2_000)}${"]".repeat(2_000)}]`)))).toContain(
      "in the file for machines",
    );
  });

  test("shows every record by itself, whatever is in it", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ depthSize: "medium" }), { maxLength: 20 }), (records) => {
        // The same, laid out as somebody's API may.
        const shown = readableRecords(JSON.stringify(records, null, 1), 10);
        expect(shown).toEqual(
          records.slice(0, 10).flatMap((record) => readableRecords(JSON.stringify([record]), 1)),
        );
        expect(shown).toHaveLength(Math.min(records.length, 10));
      }),
    );
    expect(readableRecords(`["${"long ".repeat(4_000_000)}"]`, 9)).toHaveLength(1);
    expect(readableRecords('[{"a":"],[{\\"","b":1},2, [3,4] ,"}"]', 9)).toEqual([
      [
        ["a", '],[{"'],
        ["b", "1"],
      ],
      [["", "2"]],
      [["", "3, 4"]],
      [["", "}"]],
    ]);
  });

  test("has a language, a title, one heading of the first rank, ranks without gaps, and headed tables", () => {
    const page = reportOf(FACTS);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toContain("<title>Your personal data at Acme &amp; Söhne GmbH</title>");
    const ranks = [...page.matchAll(/<h([1-6])/g)].map(([, rank]) => Number(rank));
    expect(ranks.filter((rank) => rank === 1)).toHaveLength(1);
    for (const [index, rank] of ranks.entries())
      expect(rank - (ranks[index - 1] ?? 0)).toBeLessThanOrEqual(1);
    const tables = page.match(/<table>.*?<\/table>/gs) ?? [];
    expect(tables.length).toBeGreaterThan(5);
    for (const table of tables) expect(table).toMatch(/<table>\n<caption>.*<th scope="/s);
    for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) expect(page).toContain(`id="${id}"`);
  });

  test("lets nothing that a platform holds, or anybody is called, put an element or an attribute into it", () => {
    const page = (value: string) =>
      reportOf({
        ...FACTS,
        controller: { ...FACTS.controller, name: value, statements: { retention: value, contact: value } },
        hub: {
          ...FACTS.hub,
          connections: [{ id: SHOPIFY, name: value }],
          activities: FACTS.hub.activities.map((activity) => ({
            ...activity,
            recipient: value,
            activity: value,
          })),
          purposes: [{ id: "email_marketing", title: value }],
        },
        platforms: [
          {
            ...{ name: value, connectionId: SHOPIFY, outcome: "done" },
            sets: [collected(value, [], [{ [`${value}.`]: value, list: [{ [`${value}.`]: [value] }] }])],
          },
        ],
      });
    const tags = (text: string) => text.match(/<[^>]*>/g);
    const expected = tags(page("harmless"));
    fc.assert(
      fc.property(HOSTILE, (value) => {
        const text = page(value);
        expect(tags(text)).toEqual(expected);
        expect(text).not.toMatch(/[\u0000-\u0008\u000e-\u001f]/);
      }),
      { numRuns: 60 },
    );
  });

  test("runs and loads nothing, and says so to the browser", () => {
    const page = reportOf(FACTS);
    expect(page).toMatch(
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src &#39;sha256-[^&]{44}&#39;">/,
    );
    expect(page).not.toMatch(/<(script|img|link|iframe|object|form)\b|\bon\w+=|\bsrc=|url\(|https?:/i);
  });
});

const HOSTILE = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<",
        ">",
        '"',
        "'",
        "&",
        "<script>alert(1)</script>",
        '" onload="x',
        "</td>",
        "</title>",
        "-->",
        "<!--",
      ),
      fc.constantFrom("</style>", "\u0000", "\u0008", "\ud800", "<![CDATA[", "`", "{{x}}", "&lt;", "\u202e"),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** What is to be read, without markup. */
function words(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .replace(/ ([.,])/g, "$1");
}
