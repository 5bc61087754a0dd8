import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** Shopify customers, each unique, signed and sent as a platform sends: again, under the same id, until acknowledged. */
export interface Load {
  /** How many deliveries were acknowledged with 200. */
  acknowledged(): number;
  /** The platform's ids of all that were sent, and of those that were acknowledged. */
  ids(): { readonly sent: readonly string[]; readonly acknowledged: readonly string[] };
  /** How often each status was answered; 0 for no answer at all. */
  readonly statuses: Map<number, number>;
  /** Gives up what is not acknowledged yet, and resolves when nothing is under way. */
  stop(): Promise<void>;
  /** Sends what was acknowledged once more, and counts what the hub says of each. A lost one is `accepted`. */
  sendAgain(most?: number): Promise<Record<string, number>>;
}

export function startLoad(options: {
  url: () => string;
  secret: string;
  senders: number;
  total?: number;
}): Load {
  const acknowledged: { id: string; request: RequestInit }[] = [];
  const sent: string[] = [];
  const statuses = new Map<number, number>();
  let stopped = false;
  let begun = 0;
  const senders = Array.from({ length: options.senders }, async () => {
    while (!stopped && begun < (options.total ?? Number.POSITIVE_INFINITY)) {
      begun += 1;
      const id = randomUUID();
      sent.push(id);
      const body = JSON.stringify({
        id: begun,
        email: `${id}@example.com`,
        phone: null,
        note: "x".repeat(500),
      });
      const request = {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "x-shopify-topic": "customers/create",
          "x-shopify-shop-domain": "load.myshopify.com",
          "x-shopify-webhook-id": id,
          "x-shopify-hmac-sha256": createHmac("sha256", options.secret).update(body).digest("base64"),
        },
      };
      while (!stopped) {
        const status = await fetch(options.url(), {
          ...request,
          signal: AbortSignal.timeout(10_000),
        })
          .then(async (response) => {
            await response.arrayBuffer();
            return response.status;
          })
          .catch(() => 0);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) {
          acknowledged.push({ id, request });
          break;
        }
        await sleep(25);
      }
    }
  });
  return {
    acknowledged: () => acknowledged.length,
    ids: () => ({ sent, acknowledged: acknowledged.map(({ id }) => id) }),
    statuses,
    stop: async () => {
      stopped = true;
      await Promise.all(senders);
    },
    sendAgain: async (most = acknowledged.length) => {
      const outcomes: Record<string, number> = {};
      const left = acknowledged.slice(0, most);
      const send = async () => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          const response = await fetch(options.url(), next.request);
          const { status } = (await response.json()) as { status: string };
          outcomes[status] = (outcomes[status] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: options.senders }, send));
      return outcomes;
    },
  };
}
