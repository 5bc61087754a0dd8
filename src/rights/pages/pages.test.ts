import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RightsKind } from "#schemas";
import { pages } from "./pages.ts";

const FACTS = { controller: "Acme & Söhne GmbH", kind: "access" } as const;
const DUE = { at: "2026-02-28", timeZone: "Europe/Berlin" };
const PASSPHRASE = "7ZK3M-0AB2C-9XYTW-HJKMN-PQRST";

const all = (
  facts: { controller: string; kind: RightsKind; passphrase: string } = { ...FACTS, passphrase: PASSPHRASE },
) => ({
  confirm: pages.confirm(facts),
  confirmed: pages.confirmed({ ...facts, due: DUE }),
  used: pages.used(facts),
  expired: pages.expired(facts),
  unknown: pages.unknown(),
  download: pages.download({ ...facts, expires: DUE, bytes: 123_456 }),
});

describe("the page that asks for a confirmation", () => {
  test("names who was asked for what, and does nothing until its button is pressed", () => {
    const { html, status } = pages.confirm(FACTS);
    expect(status).toBe(200);
    expect(html).toContain("<strong>Acme &amp; Söhne GmbH</strong> for a copy of your personal data");
    expect(html).toContain('<form method="post"><button>Yes, I made this request</button></form>');
    const kinds = RightsKind.options.map((kind) => pages.confirm({ ...FACTS, kind }).html);
    expect(new Set(kinds).size).toBe(RightsKind.options.length);
  });
});

describe("the page that says that it is confirmed", () => {
  test("shows the passphrase, and what happens next by when", () => {
    const { html } = pages.confirmed({ ...FACTS, due: DUE, passphrase: PASSPHRASE });
    expect(html.split(PASSPHRASE)).toHaveLength(2);
    expect(html).toContain("by e-mail by 28 February 2026, end of day (Europe/Berlin) at the latest");
  });

  test("has none where nothing is handed out", () => {
    const { html } = pages.confirmed({ ...FACTS, kind: "erasure", due: DUE });
    expect(html).not.toMatch(/passphrase<|Write this down/);
    expect(html).toContain("the erasure of your personal data");
  });
});

test("a link that was used, has expired, or is none, says so with its status", () => {
  expect(pages.used(FACTS).status).toBe(410);
  expect(pages.expired(FACTS).status).toBe(410);
  expect(pages.unknown().status).toBe(404);
});

test("a download is a button, and says how large the file is and how to open it", () => {
  const { html } = pages.download({ ...FACTS, expires: DUE, bytes: 12_345_678 });
  expect(html).toContain('<form method="post"><button>Download the file</button></form>');
  expect(html).toContain("12 MB, until 28 February 2026, end of day (Europe/Berlin)");
  expect(pages.download({ ...FACTS, expires: DUE, bytes: 300 }).html).toContain("1 kB");
});

describe.each(Object.keys(all()) as (keyof ReturnType<typeof all>)[])("the page %s", (name) => {
  test("is complete, in a language, with one main heading", () => {
    const { html } = all()[name];
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">/);
    const title = /<title>([^<]+)<\/title>/.exec(html)?.[1];
    expect(html).toContain(`<main>\n<h1>${title}</h1>`);
    expect(html.match(/<h1/g)).toHaveLength(1);
  });

  test("loads and runs nothing, and its policy allows its one style sheet only", () => {
    const { html, headers } = all()[name];
    expect(html).not.toMatch(/<(script|img|link|iframe|object)\b|\bon\w+=|\bsrc=|\bstyle=|url\(|https?:/i);
    const [, css = ""] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
    const hash = createHash("sha256").update(css).digest("base64");
    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "same-origin" });
  });

  test("has no markup but its own, whatever the controller is called", () => {
    const tags = (html: string) => html.match(/<[^>]*>/g);
    fc.assert(
      fc.property(HOSTILE, HOSTILE, (controller, passphrase) => {
        expect(tags(all({ ...FACTS, controller, passphrase })[name].html)).toEqual(tags(all()[name].html));
      }),
    );
  });
});

const HOSTILE = fc
  .array(
    fc.oneof(
      fc.constantFrom("<", ">", '"', "'", "&", "<script>", '" onload="x', "</style>", "\u0000"),
      fc.string(),
    ),
  )
  .map((parts) => parts.join(""));
