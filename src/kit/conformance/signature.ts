import { type Case, mustBeRefused, type Parts, withHeader } from "./case.ts";

/** Every way in which a signature can be wrong, and everything else that the scheme puts into a header. */
export function changedSignatures(tried: Case): string[] {
  const { door, parts, signed } = tried;
  const { header } = door.signature;
  const others = Object.keys(signed.headers).filter((name) => name !== header);
  return [
    ...(header === undefined ? [] : wrongValues(tried, header, parts.headers[header] ?? "")),
    ...others.flatMap((name) => changedCharacters(tried, name, parts.headers[name] ?? "")),
    ...Object.keys(signed.query ?? {}).flatMap((name) => wrongQuery(tried, name)),
  ];
}

function wrongValues(tried: Case, header: string, value: string): string[] {
  const refuse = (what: string, text: string | undefined) =>
    text === value ? [] : mustBeRefused(tried, what, withHeader(tried.parts, header, text));
  return [
    ...changedCharacters(tried, header, value),
    ...refuse("no signature", undefined),
    ...refuse("an empty signature", ""),
    ...refuse("a signature without its first character", value.slice(1)),
    ...refuse("a signature without its last character", value.slice(0, -1)),
    ...refuse("half a signature", value.slice(0, value.length >> 1)),
    ...refuse("a signature with a character more", `${value}0`),
    ...refuse("a signature before another text", `${value};`),
    ...reencoded(value).flatMap(([encoding, text]) => refuse(`a signature in ${encoding}`, text)),
    // A list of signatures is what this standard sends; the same one twice says nothing new.
    ...(tried.door.signature.kind === "standard_webhooks"
      ? []
      : [", ", ",", " ", ""].flatMap((between) =>
          refuse(`the signature twice, with ${JSON.stringify(between)} between`, value + between + value),
        )),
  ];
}

function changedCharacters(tried: Case, header: string, value: string): string[] {
  return [...value].flatMap((character, index) => {
    const text = value.slice(0, index) + another(character) + value.slice(index + 1);
    return mustBeRefused(
      tried,
      `character ${index} of \`${header}\` changed`,
      withHeader(tried.parts, header, text),
    );
  });
}

/** A digit for a digit, so that a changed number is still one. */
function another(character: string): string {
  if (/\d/.test(character)) return String((Number(character) + 1) % 10);
  return character === "a" ? "b" : "a";
}

/** The digest within a signature, in the other encodings that there are. */
function reencoded(value: string): [string, string][] {
  const hex = /[0-9a-f]{40,}/.exec(value)?.[0];
  if (hex !== undefined) {
    const bytes = Buffer.from(hex, "hex");
    return [
      ["base64", value.replace(hex, bytes.toString("base64"))],
      ["raw bytes", value.replace(hex, bytes.toString("latin1"))],
    ];
  }
  const base64 = /[A-Za-z0-9+/]{26,}={0,2}/.exec(value)?.[0];
  if (base64 === undefined) return [];
  const bytes = Buffer.from(base64, "base64");
  return [
    ["hex", value.replace(base64, bytes.toString("hex"))],
    ["base64 without its padding", value.replace(base64, base64.replace(/=+$/, ""))],
    ["URL-safe base64", value.replace(base64, base64.replaceAll("+", "-").replaceAll("/", "_"))],
  ];
}

function wrongQuery(tried: Case, name: string): string[] {
  const given = new URL(tried.parts.url).searchParams.get(name) ?? "";
  const refuse = (what: string, change: (query: URLSearchParams) => void) =>
    mustBeRefused(tried, what, withQuery(tried.parts, change));
  return [
    ...refuse(`no \`${name}\` in the URL`, (query) => query.delete(name)),
    ...refuse(`an empty \`${name}\` in the URL`, (query) => query.set(name, "")),
    ...refuse(`\`${name}\` twice in the URL`, (query) => query.append(name, given)),
    ...refuse(`\`${name}\` and another in the URL`, (query) => query.append(name, "another")),
    ...refuse(`\`${name}\` of the URL under another name`, (query) => {
      query.delete(name);
      query.set(`${name}2`, given);
    }),
    ...refuse(`half of \`${name}\` in the URL`, (query) =>
      query.set(name, given.slice(0, given.length >> 1)),
    ),
    ...refuse(`more than \`${name}\` in the URL`, (query) => query.set(name, `${given}0`)),
    ...[...given].flatMap((character, index) =>
      refuse(`character ${index} of \`${name}\` in the URL changed`, (query) =>
        query.set(name, given.slice(0, index) + another(character) + given.slice(index + 1)),
      ),
    ),
  ];
}

function withQuery(parts: Parts, change: (query: URLSearchParams) => void): Parts {
  const url = new URL(parts.url);
  change(url.searchParams);
  return { ...parts, url: url.href };
}
