import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** Shopify customers, each unique, signed and sent as a platform sends: again, under the same id, until acknowledged. */
export interface Load {
  /** Ids of deliveries that were acknowledged with 200. */
  readonly acknowledged: Set<string>;
  /** How often each status was answered; 0 for no answer at all. */
  readonly statuses: Map<number, number>;
  /** Gives up what is not acknowledged yet, and resolves when nothing is under way. */
  stop(): Promise<void>;
}

export function startLoad(options: {
  url: () => string;
  secret: string;
  senders: number;
  total?: number;
}): Load {
  const acknowledged = new Set<string>();
  const statuses = new Map<number, number>();
  let stopped = false;
  let begun = 0;
  const senders = Array.from({ length: options.senders }, async () => {
    while (!stopped && begun < (options.total ?? Number.POSITIVE_INFINITY)) {
      begun += 1;
      const id = randomUUID();
      const body = JSON.stringify({
        id: begun,
        email: `${id}@example.com`,
        phone: null,
        note: "x".repeat(500),
      });
      const headers = {
        "content-type": "application/json",
        "x-shopify-topic": "customers/create",
        "x-shopify-shop-domain": "load.myshopify.com",
        "x-shopify-webhook-id": id,
        "x-shopify-hmac-sha256": createHmac("sha256", options.secret).update(body).digest("base64"),
      };
      while (!stopped) {
        const status = await fetch(options.url(), {
          method: "POST",
          headers,
          body,
          signal: AbortSignal.timeout(10_000),
        })
          .then(async (response) => {
            await response.arrayBuffer();
            return response.status;
          })
          .catch(() => 0);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) {
          acknowledged.add(id);
          break;
        }
        await sleep(25);
      }
    }
  });
  return {
    acknowledged,
    statuses,
    stop: async () => {
      stopped = true;
      await Promise.all(senders);
    },
  };
}
