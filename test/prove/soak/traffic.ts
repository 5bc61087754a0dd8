import { randomUUID } from "node:crypto";
import { connectors } from "#connectors";
import { type Fixture, signFixture } from "#kit";
import { fixture } from "../../support/send.ts";

/** A connection that requests are sent to. */
export interface Target {
  readonly connector: string;
  readonly url: string;
  readonly secret: string;
}

/** What a request is answered with if all is well. */
export interface Expected {
  readonly statuses: readonly number[];
  /** `status` of the answer: accepted or duplicate. */
  readonly kind?: "accepted" | "duplicate";
  /** It cannot be processed: its payload is at fault. */
  readonly fails?: boolean;
}

export interface Request {
  readonly what: string;
  readonly url: string;
  readonly init: RequestInit;
  readonly expected: Expected;
}

/** Of a hundred requests, how many are of which kind. The rest of a shop's day is orders. */
const MIX: Readonly<Record<string, number>> = {
  "shopify/orders-create": 44,
  "shopify/customers-update": 10,
  "stripe/customer-updated": 10,
  "woocommerce/customer-updated": 5,
  "mailchimp/subscribe": 5,
  "mailchimp/unsubscribe": 5,
  "customerio/customer-unsubscribed": 4,
  "shopify/customers-data-request": 1,
  "shopify/unexpected-shape": 2,
  duplicate: 6,
  refused: 5,
  unknown: 1,
  metrics: 2,
};
/** People that all of it is about: most are met again, on another platform. */
const PEOPLE = 5_000;
/** Bytes more than a fixture has: an order with a few items has as many. */
const PADDING = 8_192;
/** Requests that are remembered to be sent again. */
const REMEMBERED = 64;

/** Requests as platforms send them, one after the other, by chance. */
export function openTraffic(hub: string, targets: readonly Target[], random: () => number) {
  const byConnector = new Map(targets.map((target) => [target.connector, target]));
  const remembered: Request[] = [];
  const drawn = Object.entries(MIX).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
  let number = 0;

  return {
    next(): Request {
      const kind = drawn[Math.floor(random() * drawn.length)] ?? "";
      if (kind === "metrics")
        return { what: kind, url: `${hub}/metrics`, init: {}, expected: { statuses: [200] } };
      if (kind === "duplicate") {
        const again = remembered[Math.floor(random() * remembered.length)];
        if (again !== undefined)
          return { ...again, what: kind, expected: { statuses: [200], kind: "duplicate" } };
      }
      const request = delivery(kind.includes("/") ? kind : "shopify/orders-create");
      if (kind === "unknown") return { ...request, what: kind, ...elsewhere(request) };
      if (kind === "refused") return { ...request, what: kind, ...forged(request) };
      return request;
    },
    /** It was acknowledged: a platform may send it again. */
    acknowledged(request: Request): void {
      remembered[number % REMEMBERED] = request;
    },
  };

  function delivery(name: string): Request {
    const [connector = ""] = name.split("/");
    const target = byConnector.get(connector);
    const known = connectors.get(connector);
    if (target === undefined || known === undefined) throw new Error(`no connection to ${connector}`);
    number += 1;
    const sent = about(fixture(name), Math.floor(random() * PEOPLE), number);
    const signed = signFixture(known, sent, target.secret, Date.now(), target.url.split("?")[0]);
    return {
      what: name,
      url: signed.url,
      init: { method: "POST", headers: signed.headers, body: Buffer.from(signed.body) },
      expected: { statuses: [200], kind: "accepted", fails: name === "shopify/unexpected-shape" },
    };
  }
}

/** The same about somebody else, as a delivery of its own: everything that tells people and deliveries apart is replaced. */
function about(sent: Fixture, person: number, number: number): Fixture {
  const digits = (value: number, length: number) => String(value).padStart(length, "0");
  const at = new Date(Date.UTC(2026, 0, 1) + (number % 20_000_000) * 1_000).toISOString();
  const body = sent.body
    .replaceAll(/bob(@|%40)example\.com/g, `person-${person}$1example.com`)
    .replaceAll("706405506930370084", `7064055${digits(person, 11)}`)
    .replaceAll("820982911946154508", `8209829${digits(number, 11)}`)
    .replaceAll("555-0188", `2${digits(person, 6)}`)
    .replaceAll("5550188", `2${digits(person, 6)}`)
    .replace(/evt_\w+/, `evt_${digits(number, 20)}`)
    .replaceAll(/cus_\w+/g, `cus_${digits(person, 14)}`)
    .replace("01KAGV9X4T6Q0R8ZC1WJ5M0002", `01KAGV9X4T6Q0R8Z${digits(number, 10)}`)
    .replaceAll("usr_2471", `usr_${person}`)
    .replaceAll("d9c106000001ae", digits(person, 14))
    .replace('"id": 25,', `"id": ${person + 1_000},`)
    .replace("8a25ff1d98", digits(person, 10))
    .replace(/fired_at=[^&]+/, `fired_at=${encodeURIComponent(at.slice(0, 19).replace("T", " "))}`)
    .replace('"note": null', `"note": "${"x".repeat(PADDING)}"`)
    .replace("nobody@example.com", `nobody-${number}@example.com`);
  const ids = ["x-shopify-webhook-id", "x-shopify-event-id", "x-wc-webhook-delivery-id"];
  const headers = Object.fromEntries(
    Object.entries(sent.headers).map(([name, value]) => [name, ids.includes(name) ? randomUUID() : value]),
  );
  return { ...sent, body, headers };
}

function forged({ init }: Request): Pick<Request, "init" | "expected"> {
  const headers = { ...(init.headers as Record<string, string>), "x-shopify-hmac-sha256": "Zm9yZ2Vk" };
  // An address that is refused again and again is put off.
  return { init: { ...init, headers }, expected: { statuses: [401, 429] } };
}

function elsewhere({ url }: Request): Pick<Request, "url" | "expected"> {
  return { url: url.replace(/[^/]+$/, randomUUID()), expected: { statuses: [404] } };
}
