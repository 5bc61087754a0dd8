import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, createController } from "#controllers";
import type { Hub } from "#hub";
import { listDeliveries } from "#intake";
import type { ControllerId } from "#schemas";
import { paint, table } from "./print.ts";
import { fixturesOf, sendFixture } from "./send.ts";

/** The sample that each platform plays on a first start. */
const SAMPLES: Record<string, string> = {
  shopify: "customers-create",
  stripe: "customer-created",
  mailchimp: "subscribe",
  woocommerce: "customer-created",
  customerio: "customer-unsubscribed",
  klaviyo: "subscribed-email",
};

/** On an empty data directory: a sandbox controller, a connection for each platform, and a signed sample through each door. */
export async function playSandbox({ rooms, url }: Hub): Promise<void> {
  const { database, ring, connectors } = rooms;
  const controller = await createController(database, ring, { name: "sandbox", environment: "sandbox" });
  const played: { connector: string; url: string; sample: string; answer: string }[] = [];
  for (const connector of connectors.values()) {
    const secret = randomBytes(24).toString("base64url");
    const connection = await createConnection(database, ring, connector, controller.id, { secret }, url);
    const name = SAMPLES[connector.id];
    const fixture = fixturesOf(connector.id).find((candidate) => candidate.name === name);
    if (fixture === undefined) continue;
    const { status } = await sendFixture(rooms, connector.id, fixture, connection.id, url);
    played.push({
      connector: connector.name,
      url: connection.url,
      sample: fixture.name,
      answer: String(status),
    });
  }
  await processed(rooms, controller.id);
  process.stdout.write(
    [
      `Lethe is ready at ${paint("cyan", url)}`,
      "",
      "The data directory was empty, so there is a sandbox to try things in: a controller, a connection for each",
      "platform, and one signed sample sent through each door.",
      "",
      table(played, ""),
      "",
      "Try next, in another terminal:",
      "  npx lethe deliveries list          what came in",
      "  npx lethe subjects list            the people in it, as keyed hashes: several platforms, one person",
      "  npx lethe send shopify orders-create",
      "  npx lethe audit verify",
      "  npx lethe --help",
      "",
    ].join("\n"),
  );
}

async function processed({ database }: Hub["rooms"], controllerId: ControllerId): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const waiting = await database.inController(controllerId, (tx) =>
      listDeliveries(tx, { status: "received", limit: 1 }),
    );
    if (waiting.length === 0) return;
    await sleep(20);
  }
}
