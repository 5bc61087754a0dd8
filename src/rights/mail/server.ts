import addressparser from "nodemailer/lib/addressparser";
import { mailErrors } from "./errors.ts";

/** Where mail is handed over, and how. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `implicit`: from the first byte. `starttls`: before anything else is said. `off`: never. */
  readonly tls: "implicit" | "starttls" | "off";
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/**
 * Reads `smtps://user:password@host:465` or `smtp://user:password@host:587`. TLS is required of all but this machine itself;
 * `?tls=off` does without, `?tls=required` asks it of this machine, too. Throws `mail/bad-url`, which never quotes the URL.
 */
export function readServer(text: string): MailServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw mailErrors.badUrl("is not one");
  const implicit = url.protocol === "smtps:";
  if (!implicit && url.protocol !== "smtp:") throw mailErrors.badUrl("must begin with smtps:// or smtp://");
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  if (host === "") throw mailErrors.badUrl("names no host");
  if (!/^\/?$/.test(url.pathname) || url.hash !== "") throw mailErrors.badUrl("must end after host and port");
  // Nodemailer would take any of its options from a URL, such as one that trusts every certificate.
  const { tls = LOOPBACK.test(host) ? "off" : "required", ...others } = Object.fromEntries(url.searchParams);
  if (
    Object.keys(others).length > 0 ||
    !/^(off|required)$/.test(tls) ||
    (implicit && tls === "off" && url.search !== "")
  )
    throw mailErrors.badUrl("knows no option but tls, off or required");
  return {
    ...{ host, port: url.port === "" ? (implicit ? 465 : 587) : Number(url.port) },
    tls: implicit ? "implicit" : tls === "off" ? "off" : "starttls",
    auth: url.username === "" ? undefined : { user: decoded(url.username), pass: decoded(url.password) },
  };
}

/** Reads `Acme Privacy <privacy@acme.example>` or the address alone. Throws `mail/bad-sender`. */
export function readSender(text: string): MailAddress {
  const [sender, ...others] = addressparser(text, { flatten: true });
  if (sender === undefined || others.length > 0 || !isAddress(sender.address)) throw mailErrors.badSender();
  return { name: sender.name ?? "", address: sender.address };
}

/**
 * Whether it is one address that every mail server takes for one: no quotes, comments, lists or control characters, by
 * which one would become two or a command (RFC 5321 §4.1.2 knows more forms than anybody has).
 */
export function isAddress(text: string): boolean {
  return /^[^\s\p{C}<>()[\]\\,;:"@]{1,64}@[^\s\p{C}<>()[\]\\,;:"@]{1,255}$/u.test(text);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw mailErrors.badUrl("has a % in it that is not one of %40 and the like");
  }
}
