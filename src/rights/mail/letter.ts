import { type Content, html } from "../html.ts";

/** A mail as it is sent: what it says, twice. */
export interface Letter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A part of a letter. */
export type Paragraph =
  | string
  | { readonly link: string; readonly label: string }
  | { readonly code: string }
  | { readonly list: readonly string[] };

/** Writes a letter as plain text and as HTML that loads nothing. */
export function letter(subject: string, paragraphs: readonly Paragraph[]): Letter {
  const body = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${subject}</title></head>
<body>
${paragraphs.map((paragraph) => [asHtml(paragraph), "\n"])}</body>
</html>
`;
  return { subject, text: `${paragraphs.map(asText).join("\n\n")}\n`, html: body.markup };
}

function asText(paragraph: Paragraph): string {
  if (typeof paragraph === "string") return paragraph;
  if ("link" in paragraph) return `${paragraph.label}:\n${paragraph.link}`;
  if ("code" in paragraph) return `    ${paragraph.code}`;
  return paragraph.list.map((item) => `- ${item}`).join("\n");
}

function asHtml(paragraph: Paragraph): Content {
  if (typeof paragraph === "string") return html`<p>${paragraph}</p>`;
  if ("link" in paragraph)
    return html`<p><a href="${paragraph.link}">${paragraph.label}</a><br>${paragraph.link}</p>`;
  if ("code" in paragraph)
    return html`<p><strong style="font-size:1.5em;letter-spacing:.1em">${paragraph.code}</strong></p>`;
  return html`<ul>${paragraph.list.map((item) => html`<li>${item}</li>`)}</ul>`;
}
