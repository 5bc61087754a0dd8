import { activity, type EventHandler, on, type PlatformApi, subject, thin } from "#kit";
import { VERSION } from "./api.ts";
import { firstAddress, found, merger, type Pointer, person, pointer, sale } from "./payloads.ts";

/** A customer, vendor or employee. They are never gone, only inactive, so that they can be read by their id. */
export function ofPerson(topic: string): EventHandler {
  if (topic.endsWith(".deleted"))
    return on(pointer, (p) => [subject({ platformId: place(p) }), activity(topic)]);
  // Of two that were merged one id is left, and both are the one person's.
  const ids = (p: Pointer) => (p.deletedId === undefined ? [place(p)] : [place(p), place(p, p.deletedId)]);
  return thin(topic.endsWith(".merged") ? merger : pointer, {
    get: (p, api) => api.get(`v3/company/${place(p)}?${VERSION}`),
    schema: person,
    records: (who, _about, p) => [
      subject({
        platformIds: ids(p),
        email: firstAddress(who.PrimaryEmailAddr?.Address),
        phones: [who.PrimaryPhone?.FreeFormNumber, who.Mobile?.FreeFormNumber],
        region: who.BillAddr?.Country,
      }),
      activity(topic),
    ],
    otherwise: (p) => [subject({ platformIds: ids(p) }), activity(topic)],
  });
}

/** A sale of any kind; `name` as queries spell it. */
export function ofSale(topic: string, name: string): EventHandler {
  const known = (p: Pointer) => [subject({ objects: [place(p)] }), activity(topic)];
  if (topic.endsWith(".deleted")) return on(pointer, known);
  return thin(pointer, {
    get: (p, api) => query(p, name, api),
    schema: sale(name),
    records: (made, _about, p) => {
      const customer = made?.CustomerRef?.value;
      return [
        subject({
          platformId: customer === undefined ? undefined : place({ ...p, entity: "customer", id: customer }),
          // It may be a bookkeeper's, of many customers, so it counts only where no customer is named.
          email: customer === undefined ? firstAddress(made?.BillEmail?.Address) : undefined,
          objects: [place(p)],
        }),
        activity(topic),
      ];
    },
    otherwise: known,
  });
}

/**
 * Where the API has it, without the beginning that all share. It is also the id that the hub knows it by: `58` alone
 * may be a customer of one company and another's employee, and one connection may hear of several companies.
 */
const place = ({ realm, entity, id }: Pointer, other = id) => `${realm}/${entity}/${other}`;

/**
 * By query and not by id, because Intuit answers 400 and not 404 for a transaction that was deleted meanwhile, as it
 * does for every mistake; a query finds nothing and says so.
 */
async function query({ realm, id }: Pointer, name: string, api: PlatformApi): Promise<unknown> {
  const text = encodeURIComponent(`select * from ${name} where Id = '${id}'`);
  const answer = await api.get(`v3/company/${realm}/query?query=${text}&${VERSION}`);
  const { data } = found.safeParse(answer);
  return data !== undefined && !(name in data.QueryResponse) ? undefined : answer;
}
