import { type Content, html, styleSheet } from "../html.ts";

/** A page of the hub for the person who made a request: complete, self-contained, without scripts. */
export interface Page {
  readonly status: 200 | 404 | 410;
  readonly html: string;
  /** To be sent with it, instead of the hub's own of the same names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Builds one. `main` is what stands under its heading. */
export function page(title: string, main: readonly Content[], status: Page["status"] = 200): Page {
  const markup = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${STYLE.element}
</head>
<body>
<main>
<h1>${title}</h1>
${main.map((part) => [part, "\n"])}</main>
</body>
</html>
`;
  return { status, html: markup.markup, headers: HEADERS };
}

const STYLE = styleSheet(`
:root { color-scheme: light dark; }
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 0 auto; padding: 2rem 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
button { font: inherit; font-weight: bold; padding: .75rem 1.5rem; border: 2px solid #0b57d0; border-radius: .375rem; background: #0b57d0; color: #fff; cursor: pointer; }
button:focus-visible { outline: 3px solid currentColor; outline-offset: 3px; }
.passphrase { font: bold 1.25rem/1.75 ui-monospace, monospace; border: 2px solid; border-radius: .375rem; padding: 1rem; user-select: all; }
`);

/**
 * Its address has the secret in it. So no copy of it is kept, no search engine has it, nobody whom it links to is told it,
 * and nothing of it can be shown within another page. `default-src` does not cover the last three directives
 * (https://www.w3.org/TR/CSP3/#directive-default-src).
 */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src ${STYLE.source}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  "cache-control": "no-store",
  // Not `no-referrer`, by which a form would come from the origin "null" (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex, nofollow",
} as const;
