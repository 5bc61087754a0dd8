import type { Envelope } from "../extract.ts";
import { parseBody } from "../payload.ts";
import { webhookRequest } from "../request.ts";
import { type Case, mustBeLetIn, mustBeRefused, NOW, type Parts, receiveParts, withHeader } from "./case.ts";

/** A request without a header that its signature or its door needs, or with nothing in it. */
export function missingHeaders(tried: Case): string[] {
  const needed = new Set([...Object.keys(tried.signed.headers), ...(tried.door.requires ?? [])]);
  return [...needed].flatMap((name) => [
    ...mustBeRefused(tried, `without \`${name}\``, withHeader(tried.parts, name, undefined)),
    ...mustBeRefused(tried, `with an empty \`${name}\``, withHeader(tried.parts, name, "")),
  ]);
}

/** The method and the URL, where the scheme says that it signs them. */
export function changedTargets(tried: Case): string[] {
  const { signs } = tried.door.signature;
  const accepted = (what: string, change: Partial<Parts>) => {
    const request = webhookRequest({ ...tried.parts, ...change });
    const { ok } = tried.door.signature.verify(request, [tried.key.secret], NOW);
    return ok ? [`${what}: its signature was accepted`] : [];
  };
  const change = (how: (url: URL) => void) => {
    const url = new URL(tried.parts.url);
    how(url);
    return { url: url.href };
  };
  return [
    ...(signs.includes("method") ? accepted("another method", { method: "PUT" }) : []),
    ...(signs.includes("url")
      ? [
          ...accepted(
            "another path",
            change((url) => (url.pathname += "x")),
          ),
          ...accepted(
            "another host",
            change((url) => (url.hostname = "other.example.com")),
          ),
          ...accepted(
            "another query",
            change((url) => url.searchParams.append("x", "1")),
          ),
        ]
      : []),
  ];
}

/** A body of another format than the door's, by its header alone. */
export function wrongContentTypes(tried: Case): string[] {
  const other = tried.door.body === "json" ? "application/x-www-form-urlencoded" : "application/json";
  return [other, "text/html", "text/plain", "application/xml", "multipart/form-data; boundary=x"].flatMap(
    (type) => mustBeRefused(tried, type, withHeader(tried.parts, "content-type", type)),
  );
}

/** A request for another account than the connection's, where the request itself names it. */
export function wrongAccount(tried: Case): string[] {
  const received = receiveParts(tried, tried.parts);
  const account = received.kind === "delivery" ? received.about.account : undefined;
  if (account === undefined) return [];
  return [
    ...mustBeLetIn(tried, "the connection's own account", tried.parts, { account }),
    ...mustBeRefused(tried, "another account", tried.parts, { account: `another-${account}` }),
    ...mustBeRefused(tried, "half the account", tried.parts, {
      account: account.slice(0, account.length >> 1),
    }),
  ];
}

/** Two facts that must agree, with a header changed that one of them is taken from. */
export function disagreement(tried: Case): string[] {
  const { door, parts, signed } = tried;
  const unsigned = Object.keys(parts.headers).filter((name) => !(name in signed.headers));
  const compared = unsigned.filter(
    (name) => factsOf(tried, parts) !== factsOf(tried, withHeader(parts, name, undefined)),
  );
  if (door.agree !== undefined && compared.length === 0)
    return ["`agree` compares no header with the body; without one, it proves nothing"];
  return compared.flatMap((name) => {
    const value = parts.headers[name] ?? "";
    return ["another", `${value}0`, value.slice(0, -1), `${value}, ${value}`].flatMap((text) =>
      mustBeRefused(tried, `another \`${name}\` than the body says`, withHeader(parts, name, text)),
    );
  });
}

function factsOf({ door }: Case, parts: Parts): string {
  const body = parseBody(door.body, parts.body);
  const envelope: Envelope = { request: webhookRequest(parts), body, event: body };
  return JSON.stringify(door.agree?.map((fact) => fact(envelope) ?? null));
}
