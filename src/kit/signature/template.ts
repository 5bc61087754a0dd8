import type { WebhookRequest } from "../request.ts";
import type { Signable } from "./scheme.ts";

/** What a platform signs: `{method}`, `{url}`, `{body}` and `{timestamp}`, with literal text around and between. */
export interface Template {
  /** The placeholders in it, in the order of the interface. */
  readonly signs: readonly Signable[];
  /** The pieces that are hashed one after the other; the body stays bytes. */
  pieces(request: WebhookRequest, timestamp: string): (string | Uint8Array)[];
}

/**
 * Reads a template once, when the scheme is made. Throws for anything in braces that is no placeholder, and for a
 * template without the body: whoever saw one signature could put it on any other.
 */
export function readTemplate(text: string): Template {
  const parts = text.split(/(\{[^}]*\})/).filter((part) => part !== "");
  const names = parts.filter((part) => part.startsWith("{")).map((part) => part.slice(1, -1));
  const unknown = names.find((name) => !PLACEHOLDERS.some((placeholder) => placeholder === name));
  if (unknown !== undefined)
    throw new TypeError(
      `unknown placeholder {${unknown}} in what is signed; there are {${PLACEHOLDERS.join("}, {")}}`,
    );
  const signs = PLACEHOLDERS.filter((placeholder) => names.includes(placeholder));
  if (!signs.includes("body"))
    throw new TypeError("what is signed must hold {body}: otherwise one signature lets any body in");
  return {
    signs,
    pieces:
      text === "{body}"
        ? (request) => [request.body]
        : (request, timestamp) => parts.map((part) => piece(part, request, timestamp)),
  };
}

const PLACEHOLDERS = ["method", "url", "body", "timestamp"] as const satisfies readonly Signable[];

function piece(part: string, request: WebhookRequest, timestamp: string): string | Uint8Array {
  switch (part) {
    case "{method}":
      return request.method;
    case "{url}":
      return request.url;
    case "{body}":
      return request.body;
    case "{timestamp}":
      return timestamp;
    default:
      return part;
  }
}
