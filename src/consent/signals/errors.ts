import { LetheError } from "#schemas";

export const signalErrors = {
  /** Without a cause: what the libraries say of a string quotes it. */
  unreadable: (signal: "tcf" | "gpp") =>
    new LetheError(
      "signals/unreadable",
      `the ${signal} string cannot be read: pass it on whole, as the consent management platform gave it`,
      { status: 400 },
    ),
};
