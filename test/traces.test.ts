import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startSequencer } from "#audit";
import { createLog } from "#log";
import { annotate, inSpan, inTraceOf, startTracing } from "#telemetry";
import { openProcessing, type Processing } from "#test";
import { receiveTraces } from "./support/otlp.ts";

/** A delivery's way is told to a real OTLP receiver: from the request, through the run and its steps, to the database. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: { key: string; value: Record<string, unknown> }[];
  readonly links?: { traceId: string; spanId: string }[];
  readonly events?: unknown[];
  readonly status: { code?: number; message?: string };
}
interface Exported {
  readonly resourceSpans: {
    resource: { attributes: { key: string }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

/** All that may be told; written out here, so that a list that grows in the code is noticed. */
const MAY_BE_TOLD = [
  ...["error.type", "http.request.method", "http.response.status_code", "http.route"],
  ...["attempt", "connector", "controller", "count", "delivery", "function"].map((name) => `lethe.${name}`),
  ...["outcome", "reason", "role", "run", "step"].map((name) => `lethe.${name}`),
];

let hub: Processing;
let shop: Awaited<ReturnType<Processing["shop"]>>;
let one = "";
let broken = "";
let many: string[] = [];
const careless = "0199aaaa-0000-7000-8000-00000000abcd";
const logged: string[] = [];
let received = "";
let spans: Span[] = [];
const secret = "a-secret-of-the-platform";

beforeAll(async () => {
  const receiver = await receiveTraces();
  const tracing = await startTracing({ url: `${receiver.url}/v1/traces`, onError: () => {} });
  hub = await openProcessing();
  const sequencer = startSequencer({
    ...{ database: hub.rooms.database, ring: hub.rooms.ring },
    witness: async () => {},
    onError: () => {},
  });
  shop = await hub.shop("shopify", "sandbox", { secret, account: "lethe-sandbox.myshopify.com" });
  const settled = (state: Record<string, unknown>) => () =>
    vi.waitFor(async () => expect(await shop.state()).toMatchObject(state), { timeout: 15_000 });
  one = await shop.send("customers-create");
  await hub.working(settled({ processed: 1, left: [] }));
  many = [await shop.send("orders-create"), await shop.send("customers-update")];
  broken = await shop.send("malformed");
  await hub.working(settled({ processed: 3, failed: 1, left: [broken] }));
  await fetch(`${shop.url}?email=bob@example.com`, { method: "POST", body: '{"email": "bob@example.com"}' });
  await inTraceOf(careless, "careless", async () => {
    await fetch(`${receiver.url}/people/bob@example.com`);
    createLog("info", { write: (line) => void logged.push(line) }).info({}, "within");
    annotate({ "lethe.outcome": "bob@example.com", "lethe.reason": "613-555-0188" });
    annotate({ "lethe.function": "Bob Norman", "lethe.step": "look again" });
    await inSpan("a step of bob@example.com", {}, () => Promise.reject(new Error("bob@example.com")));
  }).catch(() => {});
  await sequencer.stop();
  await tracing.stop(5_000);
  received = receiver.received();
  await receiver.stop();
  spans = received
    .trim()
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as Exported).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
});
afterAll(() => hub.close());

const traceOf = (delivery: string) => delivery.replaceAll("-", "");
const within = (delivery: string) => spans.filter(({ traceId }) => traceId === traceOf(delivery));
const about = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
/** A span with what is in it, by name: when they began is told to the millisecond only. */
const story = (span: Span): unknown => {
  const inside = spans
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .map(story)
    .sort((a, b) => String(a).localeCompare(String(b)));
  const { "lethe.role": role } = about(span);
  const name = role === undefined ? span.name : `${span.name} as ${role}`;
  return inside.length === 0 ? name : [name, ...inside];
};

describe("the trace of a delivery", () => {
  test("has the delivery's id, and tells of the request, the run, its steps and their transactions", () => {
    const [first, ...others] = within(one).filter(({ parentSpanId }) => !parentSpanId);
    if (first === undefined) throw new Error("no span begins it");
    expect(others).toEqual([]);
    expect(first.spanId).toBe(traceOf(one).slice(16));
    expect(about(first)).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/webhooks/:connector/:connection",
      "http.response.status_code": 200,
      "lethe.connector": "shopify",
      "lethe.outcome": "accepted",
      "lethe.delivery": one,
    });
    expect(story(first)).toEqual([
      "POST /webhooks/:connector/:connection",
      ["commit", "transaction as lethe_intake"],
      [
        "run process-delivery",
        // The second asks whether processing was stopped.
        ["step record", "transaction as lethe_app", "transaction as lethe_runtime"],
        ["step shred", "transaction as lethe_app", "transaction as lethe_runtime"],
      ],
      ...["seal", "store", "transaction as lethe_intake", "verify"],
    ]);
  });

  test("is linked from a run that was about several", () => {
    const [run, ...others] = spans.filter(
      ({ name, links = [] }) => name.startsWith("run") && links.length > 0,
    );
    expect(others).toEqual([]);
    expect(run?.links?.map(({ traceId }) => traceId).sort()).toEqual([...many, broken].map(traceOf).sort());
    expect(run && about(run)).toMatchObject({
      "lethe.count": 3,
      "lethe.outcome": "completed",
      "lethe.attempt": 0,
    });
  });
});

test("a refusal is told with its reason and its code", () => {
  const [refused] = spans.filter((span) => about(span)["lethe.outcome"] === "refused");
  expect(refused && about(refused)).toMatchObject({
    "http.response.status_code": 401,
    "lethe.reason": "missing_signature",
    "error.type": "intake/signature-refused",
  });
});

test("a request to a platform is told by method and status, an error by its code, and a value that is none is withheld", () => {
  const first = within(careless).find(({ parentSpanId }) => !parentSpanId);
  const inside = within(careless).filter(({ parentSpanId }) => parentSpanId === first?.spanId);
  expect(first && about(first)).toEqual({
    "error.type": "internal/unexpected",
    "lethe.function": "withheld",
    "lethe.outcome": "withheld",
    "lethe.reason": "withheld",
    "lethe.step": "look again",
  });
  expect(inside.map((span) => [span.name, about(span)])).toEqual([
    ["request", { "http.request.method": "GET", "http.response.status_code": expect.anything() }],
    ["withheld", { "error.type": "internal/unexpected" }],
  ]);
  expect(JSON.parse(logged[0] ?? "")).toMatchObject({ msg: "within", trace: traceOf(careless) });
});

test("the log's sequencer tells how many events it sealed", () => {
  const sealed = spans
    .filter(({ name }) => name === "sequence")
    .map((span) => Number(about(span)["lethe.count"]));
  expect(sealed.reduce((a, b) => a + b, 0)).toBeGreaterThan(10);
});

test("nothing is told but what may be: no text of an error, no address, URL, account, secret or person", () => {
  expect(spans.length).toBeGreaterThan(30);
  for (const span of spans) {
    expect(MAY_BE_TOLD).toEqual(expect.arrayContaining(Object.keys(about(span))));
    expect(span.events ?? []).toEqual([]);
    expect(span.status.message).toBeUndefined();
  }
  const resource = (JSON.parse(received.split("\n")[0] ?? "") as Exported).resourceSpans[0]?.resource;
  expect(resource?.attributes.map(({ key }) => key).sort()).toEqual([
    ...["service.name", "service.version"],
    ...["telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"],
  ]);
  for (const canary of [
    "@example.com",
    "example.com",
    "myshopify",
    "127.0.0.1",
    secret,
    "Bob",
    "Norman",
    shop.connection,
  ])
    expect(received, canary).not.toContain(canary);
});
