import { createRequire } from "node:module";
import { domainToASCII } from "node:url";
import type { CountryCode } from "libphonenumber-js";

/** Version of the rules below, stored with every hash: a change of rules is a change of pseudonym. */
export const NORMALISER = "n1";

/**
 * The one form of an e-mail address: trimmed, NFKC, lower case, the domain in ASCII (IDNA). Undefined if it is
 * no address. What stands before the @ is otherwise left alone: only its own server knows what it means.
 */
export function normaliseEmail(text: string): string | undefined {
  const address = text.trim().normalize("NFKC").toLowerCase();
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at);
  const domain = domainToASCII(address.slice(at + 1).replace(/\.$/, ""));
  if (at < 1 || domain === "" || /[\s\u0000-\u001f]/.test(local) || address.length > 320) return undefined;
  return `${local}@${domain}`;
}

/**
 * A Gmail address without its dots and +tag, if that makes a difference. Two such addresses may be one
 * mailbox, but need not be one person: it only ever suggests a link.
 */
export function foldEmail(normalised: string): string | undefined {
  const [local = "", domain = ""] = normalised.split("@");
  if (domain !== "gmail.com" && domain !== "googlemail.com") return undefined;
  const folded = local.replace(/\+.*$/, "").replaceAll(".", "");
  return folded === "" ? undefined : `${folded}@gmail.com`;
}

/**
 * E.164 with "+". Without a country code in the number, the first of the regions (ISO 3166-1 alpha-2) that is
 * known decides; without any, the number is rejected rather than guessed.
 */
export function normalisePhone(
  text: string,
  regions: readonly (string | null | undefined)[],
): string | undefined {
  const { isSupportedCountry, parsePhoneNumberFromString } = phoneNumbers();
  const region = regions
    .map((candidate) => candidate?.trim().toUpperCase() ?? "")
    .find((candidate): candidate is CountryCode => isSupportedCountry(candidate as CountryCode));
  const number = parsePhoneNumberFromString(
    text.normalize("NFKC"),
    region === undefined ? {} : { defaultCountry: region },
  );
  return number?.isPossible() === true ? number.number : undefined;
}

const require = createRequire(import.meta.url);

/** Loaded when there is a number: the world's numbering plans, in a hundred files, take 70 ms. */
const phoneNumbers = () => require("libphonenumber-js") as typeof import("libphonenumber-js");
