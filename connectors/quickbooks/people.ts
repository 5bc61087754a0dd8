import { optionalText, z } from "#kit";
import { firstAddress, id } from "./payloads.ts";

const address = z.looseObject({ Id: optionalText });
const phone = z.looseObject({ FreeFormNumber: optionalText });

/**
 * https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer : what is used of it; the rest
 * goes along. Vendor and Employee are alike.
 */
export const someone = z.looseObject({
  Id: id,
  SyncToken: z.string(),
  Active: z.boolean().optional(),
  DisplayName: optionalText,
  GivenName: optionalText,
  FamilyName: optionalText,
  PrimaryEmailAddr: z.looseObject({ Address: optionalText }).nullish(),
  PrimaryPhone: phone.nullish(),
  BillAddr: address.nullish(),
  Balance: z.number().nullish(),
  BalanceWithJobs: z.number().nullish(),
});
export type Someone = z.output<typeof someone>;

/** https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice ; the others are alike. */
export const transaction = z.looseObject({ Id: id, TxnDate: optionalText });

/** What an update answers. */
export const updated = z.object({ Customer: someone });

/** Whose the address is: a field may hold several, and only the first is surely theirs. */
export const hasAddress = ({ PrimaryEmailAddr }: Someone, email: string) =>
  firstAddress(PrimaryEmailAddr?.Address)?.toLowerCase() === email.trim().toLowerCase();

/** Somebody owes the company, or the company them: such an account cannot be closed. */
export const isOpen = ({ Balance, BalanceWithJobs }: Someone) => (BalanceWithJobs ?? Balance ?? 0) !== 0;

/** Of every object of the API, and about nobody. */
const TECHNICAL = ["domain", "sparse", "SyncToken"];

export const ownOf = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !TECHNICAL.includes(name)));
