import { LetheError } from "#schemas";

export const receiptErrors = {
  wrongController: () =>
    new LetheError("receipt/wrong-controller", "a receipt is signed by the controller that it names"),
  /** Says which fields, not what is in them. */
  malformed: (fields: readonly string[]) =>
    new LetheError("receipt/malformed", `a receipt of this would not verify: see its ${fields.join(", ")}`),
};
