import { STRINGS } from "../../support/consent-strings.ts";
import { fixture as fixtureOf, sendFixture } from "../../support/send.ts";
import type { Canaries } from "./canaries.ts";
import type { World } from "./world.ts";

/** Whatever else somebody may send to the hub: to every route, well made and badly, with what they know of people in all of it. */
export async function* knockEverywhere(world: World, canaries: Canaries): AsyncGenerator<string> {
  const { controller } = world;
  const json = (body: unknown, headers: Record<string, string> = {}) => ({
    ...{ method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) },
    headers: { "content-type": "application/json", ...headers },
  });
  const word = (at: string) => encodeURIComponent(canaries.text(at));
  const email = () => canaries.email("a request to a door");
  const text = () => canaries.text("a request to a door");
  const signal = `/signals/${controller}`;
  const rights = `/rights/${controller}`;
  const jwt = `Bearer ${["header", "claims", "signature"].map((part) => canaries.token(`a token's ${part}`)).join(".")}`;
  const shop = world.connections.get("shopify");
  const hook = shop?.url.split("?")[0] ?? "";
  const cookie = {
    cookie: `session=${canaries.token("a session")}`,
    referer: `https://example.com/?q=${word("a referer")}`,
  };

  const signals = [
    { tcf: STRINGS.all },
    { tcf: STRINGS.all + canaries.token("a consent string") },
    { gpp: canaries.token("a consent string") },
    { surprise: text() },
  ].map((more) => json({ person: { email: email() }, ...more }, { "sec-gpc": "1", ...cookie }));
  const attempts: [url: string, init?: RequestInit][] = [
    ...signals.map((init): [string, RequestInit] => [signal, init]),
    [signal, json({ person: { email: email() }, tcf: STRINGS.all }, { authorization: jwt })],
    [signal, json({ person: { connection: crypto.randomUUID(), customer: text() } })],
    [signal, json({ person: { email: text() }, [canaries.token("a name in a body")]: 1 })],
    [signal, json(`{"person": {"email": "${email()}`)],
    [signal, json(`"${canaries.token("too much").repeat(4_000)}"`)],
    [`/signals/${word("a path")}`, json({ person: { email: email() } })],
    [`${signal}?email=${word("a query")}`, { method: "PUT", body: text() }],
    [rights, json({ kind: text(), email: email() })],
    [rights, json({ kind: "erasure", email: text() })],
    [rights, json({ kind: "rectification", email: email(), corrections: { familyName: { [text()]: 1 } } })],
    [rights, json({ kind: "rectification", email: email() })],
    [rights, json(`{"kind": "erasure", "email": "${email()}"`)],
    [rights, json(`"${canaries.token("too much").repeat(2_000)}"`)],
    [`${rights}/${crypto.randomUUID()}/verify`, json({ code: canaries.token("a code") })],
    [`${rights}/${word("a path")}/verify`, json({ code: text() })],
    [`/rights/verify/${word("a link")}`, { method: "POST" }],
    [`/rights/verify/${canaries.token("a link")}?email=${word("a query")}`],
    [`/rights/download/${canaries.token("a link")}`],
    [`/${word("a path")}?email=${word("a query")}`, { headers: cookie }],
    [`/.well-known/did.json?did=${word("a query")}`],
    [`/healthz?email=${word("a query")}`, { method: "POST", body: text() }],
    [`/webhooks/${word("a path")}/${word("a path")}?email=${word("a query")}`, json({ email: email() })],
    [
      `/webhooks/shopify`,
      json({ email: email() }, { "x-shopify-shop-domain": canaries.token("an account") }),
    ],
    [`/webhooks/shopify/${canaries.token("a path")}`, json({ email: email() })],
    [`${hook}?email=${word("a query")}`, { method: "DELETE" }],
    [hook, { method: "PUT", body: text() }],
    [hook, json({ email: email() }, { "x-shopify-hmac-sha256": text().replace(/[^\x20-\x7e]/g, "") })],
    // More than a webhook may have, announced and not.
    [hook, json({ email: email(), more: text().repeat(10_000) })],
    [hook, { ...json(""), body: new Blob([text().repeat(10_000)]).stream(), duplex: "half" } as RequestInit],
  ];
  const statuses = new Set<number>();
  for (const [url, init] of attempts) statuses.add((await world.ask(url, init)).status);
  for (const status of await refuseUntilTooMany(world, canaries)) statuses.add(status);
  for (const status of [200, 400, 401, 404, 405, 413, 429])
    if (!statuses.has(status)) throw new Error(`nothing was answered with ${status}`);
  yield "every other door";
}

/** One address that is refused until it is told so. */
async function refuseUntilTooMany(
  { connections, heard }: World,
  canaries: Canaries,
): Promise<readonly number[]> {
  const { url } = connections.get("stripe") ?? { url: "" };
  const headers = { "x-forwarded-for": canaries.address("who is refused too often") };
  const sent = fixtureOf("stripe/customer-created");
  const answers = Array.from({ length: 62 }, () => sendFixture(url, "stripe", sent, "another", { headers }));
  const all = await Promise.all(answers);
  for (const answer of all) await heard(answer);
  return all.map(({ status }) => status);
}
