import type { Connector, ConsentTarget } from "#kit";
import { ConsentPurpose, type Purpose } from "#schemas";

/**
 * What a purpose is at a platform: itself, where the platform can hold it, and the company's own lists there that the
 * connection ties to it. Nothing where it cannot be held.
 */
export function targetsOf(
  connector: Connector,
  lists: Readonly<Record<string, Purpose>>,
  purpose: Purpose,
): ConsentTarget[] {
  if (connector.consent === undefined) return [];
  const standard = ConsentPurpose.safeParse(purpose).data;
  const own = Object.entries(lists).flatMap(([list, tied]) => (tied === purpose ? [{ list }] : []));
  return standard !== undefined && connector.consent.purposes.includes(standard)
    ? [{ purpose: standard }, ...own]
    : own;
}
