import { createHash } from "node:crypto";

/** Markup that nothing from outside could get into unescaped: only this file makes it. */
export interface Markup {
  readonly markup: string;
}

export type Content = string | number | Markup | undefined | readonly Content[];

/**
 * Markup from a template, every value escaped unless it is markup itself; lists are joined, `undefined` is nothing.
 * Attributes need quotes in the template. Beside hono's own `html`, which can be a promise, because pages are plain functions.
 */
export function html(template: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return { markup: template.map((part, index) => part + written(values[index])).join("") };
}

/** A style sheet of our own as an element, and the source by which a content security policy allows just it (CSP Level 3, §2.3.1). */
export function styleSheet(css: string): { readonly element: Markup; readonly source: string } {
  const hash = createHash("sha256").update(css, "utf8").digest("base64");
  return { element: { markup: `<style>${css}</style>` }, source: `'sha256-${hash}'` };
}

/** Text as an element's content or an attribute's value in quotes. What no document may hold (control characters, halves of characters) becomes U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]/g, "\uFFFD")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function written(content: Content): string {
  if (content === undefined) return "";
  if (typeof content === "string") return escapeHtml(content);
  if (typeof content === "number") return String(content);
  return isList(content) ? content.map(written).join("") : content.markup;
}

function isList(content: Markup | readonly Content[]): content is readonly Content[] {
  return Array.isArray(content);
}
