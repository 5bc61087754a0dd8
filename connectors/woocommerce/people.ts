import { instant, optionalText, platformId, z } from "#kit";

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#customer-properties : what is used of it; the rest goes along. */
export const customer = z.looseObject({
  id: platformId,
  email: optionalText,
  role: optionalText,
  first_name: optionalText,
  last_name: optionalText,
  billing: z.looseObject({ email: optionalText, phone: optionalText }).nullish(),
});
export type Customer = z.output<typeof customer>;

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties */
export const order = z.looseObject({
  id: platformId,
  customer_id: platformId,
  date_created_gmt: optionalText,
  billing: z.looseObject({ email: optionalText }).nullish(),
});
export type Order = z.output<typeof order>;

/** https://woocommerce.github.io/woocommerce-rest-api-docs/#product-review-properties */
export const review = z.looseObject({ id: platformId, reviewer_email: optionalText });

export const download = z.looseObject({ download_id: z.string() });

/** WordPress keeps addresses as they were typed, and finds them whatever their case. */
export const plain = (address: string) => address.trim().toLowerCase();

export const isAddress = (text: string | null | undefined, address: string) =>
  plain(text ?? "") === plain(address);

/** The latest order's time, of orders that were made at any. */
export const latest = (orders: readonly Order[]): string | undefined =>
  orders
    .flatMap(({ date_created_gmt }) => instant(date_created_gmt ?? undefined) ?? [])
    .sort()
    .at(-1);

/** Links, and keys that open a payment page, a cart or a session: the shop's, and of no use to whom they are about. */
const WITHHELD = ["_links", "order_key", "cart_hash", "payment_url", "download_url"];
const SECRET_META = "session_tokens";

const Meta = z.array(z.looseObject({ key: z.unknown() }));

/** A record without what is the shop's. */
export function ownOf(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const meta = Meta.safeParse(record["meta_data"]).data;
  const kept = Object.entries(record).filter(([name]) => !WITHHELD.includes(name));
  return {
    ...Object.fromEntries(kept),
    ...(meta !== undefined && { meta_data: meta.filter(({ key }) => key !== SECRET_META) }),
  };
}
