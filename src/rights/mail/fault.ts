import { LetheError } from "#schemas";
import { mailErrors } from "./errors.ts";

/**
 * The error that a failure of nodemailer stands for. One that may pass: no answer, 4yz (RFC 5321 §4.2.1) and 503, which
 * says that the session was out of step. One that will not: other 5yz, a refused password, no TLS. Its own text and fields
 * can hold the address and what the server wrote, so nothing but the status is taken from it.
 */
export function mailFault(error: unknown): LetheError {
  if (error instanceof LetheError) return error;
  const { code, originalCode, command, status } = fieldsOf(error);
  if (status === undefined) {
    if (code === "EAUTH") return mailErrors.unauthorised(undefined);
    if (code === "EENVELOPE" || code === "EMESSAGE") return mailErrors.refused(undefined);
    // By Node's names of what is wrong with a certificate, and of an answer that is no TLS at all.
    if (/CERT|SIGNED|SIGNATURE|^ERR_(TLS|SSL)_|^EPROTO$/.test(originalCode)) return mailErrors.noTls();
    return mailErrors.unavailable();
  }
  if (status < 500 || status === 503) return mailErrors.busy(status);
  if (code === "ETLS") return mailErrors.noTls();
  if (code === "EAUTH") return mailErrors.unauthorised(status);
  return command === "RCPT TO" ? mailErrors.refusedRecipient(status) : mailErrors.refused(status);
}

function fieldsOf(error: unknown) {
  const of = (name: string): unknown =>
    error instanceof Error && name in error ? Reflect.get(error, name) : undefined;
  const status = of("responseCode");
  return {
    code: String(of("code")),
    originalCode: String(of("originalCode") ?? of("code")),
    command: of("command"),
    status: typeof status === "number" && status >= 400 && status <= 599 ? status : undefined,
  };
}
