import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { describeError } from "#schemas";
import {
  activity,
  bearer,
  type Connector,
  consent,
  defineConnector,
  eventsOf,
  fetchObject,
  field,
  header,
  hmac,
  interpret,
  on,
  type PlatformApi,
  receive,
  subject,
  thin,
  webhookRequest,
} from "./index.ts";

const signature = hmac({ header: "x-signature", algorithm: "sha256", encoding: "hex", prefix: "sha256=" });

const definition = {
  id: "acme",
  name: "Acme",
  documentation: "https://acme.example/webhooks",
  webhook: { signature, body: "json", id: { parts: [field("id")] }, topic: field("type") },
  activities: {
    "customer.created": {
      purpose: "customer_management",
      lawfulBasis: "contract",
      dataCategories: ["email_address"],
    },
  },
  events: {
    created: on(z.object({ email: z.string() }), (payload) => [
      subject({ email: payload.email }),
      activity("customer.created"),
    ]),
  },
} satisfies Connector;

describe("a consent", () => {
  const reading = (more: object, ...said: Parameters<typeof consent>) =>
    read(
      defineConnector({
        ...definition,
        ...more,
        events: {
          created: on(z.object({}), () => [subject({ email: "bob@example.com" }), consent(...said)]),
        },
      }),
      {},
    );
  const lists = {
    credentials: z.object({}),
    consent: {
      purposes: [],
      lists: /^topic_\d+$/,
      open: (): Promise<never> => Promise.reject(new Error("not here")),
    },
  };
  const choice = { state: "withdrawn", method: "unknown" } as const;

  test("is for a purpose, or for a list of the company's own where the platform has such", () => {
    expect(reading({}, { purpose: "email_marketing", ...choice })).toMatchObject([
      {},
      { purpose: "email_marketing" },
    ]);
    expect(reading(lists, { list: "topic_7", ...choice })).toMatchObject([{}, { list: "topic_7" }]);
    expect(() => reading({}, { list: "topic_7", ...choice })).toThrow("its consent.lists says of none");
    expect(() => reading({}, choice as never)).toThrow("neither a purpose nor a list");
  });
});

const RECEIVED = "2026-11-20T00:00:00.000Z";
const read = (connector: Connector, payload: unknown) => {
  const [event] = eventsOf(connector, Buffer.from(JSON.stringify(payload)), {
    door: 0,
    topic: "created",
    account: undefined,
    occurredAt: undefined,
  });
  return event === undefined ? undefined : interpret(connector, event, RECEIVED);
};

const never = (): Promise<never> => Promise.reject(new Error("it is not called"));

describe("a connector is refused when it is loaded", () => {
  test.each([
    [
      "declares no signature scheme",
      { webhook: { ...definition.webhook, signature: undefined } },
      "webhook.signature is missing",
    ],
    [
      "declares something else as one",
      { webhook: { ...definition.webhook, signature: { verify: true } } },
      "webhook.signature is missing",
    ],
    [
      "cannot tell deliveries apart",
      { webhook: { ...definition.webhook, id: undefined } },
      "webhook.id is missing",
    ],
    [
      "changes consent without credentials",
      { consent: { purposes: ["email_marketing"], open: never } },
      "no credentials to change it with",
    ],
    [
      "holds purposes that nobody knows",
      { credentials: z.object({}), consent: { purposes: ["newsletters"], open: never } },
      "consent.purposes must be some of email_marketing",
    ],
    [
      "holds nothing at all",
      { credentials: z.object({}), consent: { purposes: [], open: never } },
      "its consent holds nothing",
    ],
    [
      "has lists whose keys could be anything that contains one",
      { credentials: z.object({}), consent: { purposes: [], lists: /topic_/, open: never } },
      "must match a whole key",
    ],
    ["has no API for its consent", { consent: { purposes: ["email_marketing"] } }, "consent.open is missing"],
    [
      "cannot tell what a request is about",
      { webhook: { ...definition.webhook, topic: undefined } },
      "webhook.topic is missing",
    ],
    ["has an id that is no name", { id: "Acme Inc" }, "its id must be"],
    [
      "records activities without data categories",
      {
        activities: {
          "customer.created": { ...definition.activities["customer.created"], dataCategories: [] },
        },
      },
      "needs a valid dataCategories",
    ],
    ["knows no event", { events: {} }, "has no events"],
    [
      "signs its handshake with a scheme that signs bodies",
      { webhook: { ...definition.webhook, handshake: { method: "GET", signed: true } } },
      "a GET has no body",
    ],
  ])("that %s", (_fault, change, message) => {
    expect(() => defineConnector({ ...definition, ...change } as unknown as Connector)).toThrow(message);
  });

  test("but not when it is whole", () => {
    expect(defineConnector(definition).id).toBe("acme");
  });
});

describe("an event's records", () => {
  const connector = defineConnector(definition);

  test("cannot be logged, printed or serialised with what they know of a person", () => {
    const records = read(connector, { email: "bob@example.com" }) ?? [];
    for (const text of [
      JSON.stringify(records),
      inspect(records, { depth: 9 }),
      String(records.map(String)),
      ...records.map((record) => ("emails" in record ? `${record.emails[0]}` : "")),
    ])
      expect(text).not.toContain("bob");
  });

  test("name the place in the payload that does not fit, and never its value", () => {
    const reading = () => read(connector, { email: { secret: "bob@example.com" } });
    expect(reading).toThrow(
      expect.objectContaining({
        code: "payload/unexpected-shape",
        message: expect.stringContaining('"email" (invalid_type, expected string)'),
      }),
    );
    expect(reading).toThrow(expect.not.objectContaining({ message: expect.stringContaining("bob") }));
  });

  test("are not had from a connector that throws with what it read", () => {
    const leaky = defineConnector({
      ...definition,
      events: {
        created: on(z.object({ email: z.string() }), ({ email }) => {
          throw new Error(`cannot read ${email}`);
        }),
      },
    });
    expect(() => read(leaky, { email: "bob@example.com" })).toThrow(
      expect.objectContaining({ code: "payload/connector-fault" }),
    );
  });

  test("must be of declared activities, about one subject", () => {
    const doing = (records: readonly never[]) =>
      defineConnector({ ...definition, events: { created: on(z.unknown(), () => records) } } as never);
    expect(() =>
      read(doing([subject({ email: "a@b.c" }), { type: "activity", activity: "undeclared" }] as never), {}),
    ).toThrow("an activity that it does not declare; it declares customer.created");
    expect(() => read(doing([activity("customer.created")] as never), {})).toThrow("without a subject");
    expect(() =>
      read(doing([subject({ email: "a@b.c" }), subject({ email: "d@e.f" })] as never), {}),
    ).toThrow("more than one subject");
  });
});

describe("the envelope", () => {
  const connector = defineConnector({
    ...definition,
    webhook: { ...definition.webhook, account: header("x-account"), requires: ["x-account"] },
  });
  const request = (text: string, headers: Record<string, string> = { "x-account": "Shop.Example/" }) => {
    const unsigned = webhookRequest({ headers, body: text });
    return webhookRequest({
      headers: { ...headers, ...signature.sign(unsigned, "s", 0).headers },
      body: text,
    });
  };
  const take = (r: ReturnType<typeof request>, account: string | null = null) =>
    receive(connector, r, { secrets: ["s"], account }, 0);

  test("is read only after the signature holds", () => {
    let parsed = false;
    const watching = defineConnector({
      ...definition,
      webhook: {
        ...definition.webhook,
        topic: () => {
          parsed = true;
          return "created";
        },
      },
    });
    receive(
      watching,
      webhookRequest({ headers: { "x-signature": "sha256=00" }, body: "{}" }),
      { secrets: ["s"], account: null },
      0,
    );
    expect(parsed).toBe(false);
  });

  test("needs the headers that the platform always sends", () => {
    expect(take(request('{"id":"1"}', {}))).toEqual({ kind: "refused", reason: "missing_header" });
  });

  test("is for the connection's account, however it is written", () => {
    expect(take(request('{"id":"1"}'), "https://shop.example").kind).toBe("delivery");
    expect(take(request('{"id":"1"}'), "other.example")).toEqual({
      kind: "refused",
      reason: "wrong_account",
    });
  });

  test("tells deliveries apart by the body when the platform's id is missing or the body unreadable", () => {
    const identity = (text: string) => {
      const taken = take(request(text));
      return taken.kind === "delivery" ? taken.about.identity : [];
    };
    expect(identity('{"id":"1"}')).toEqual(["1"]);
    expect(identity("not json")).not.toEqual(identity("not json either"));
    expect(identity("{}")).toHaveLength(1);
  });

  test("knows which methods a URL takes", () => {
    expect(
      receive(connector, webhookRequest({ method: "GET" }), { secrets: ["s"], account: null }, 0),
    ).toEqual({ kind: "method_not_allowed", allowed: ["POST"] });
  });
});

describe("what a thin event points to", () => {
  const fetching = (get: (api: PlatformApi) => Promise<unknown>) => {
    const connector = defineConnector({
      ...definition,
      api: { base: () => "https://api.example.com/", auth: bearer("token") },
      events: {
        created: thin(z.object({ id: z.string() }), {
          get: (_pointer, api) => get(api),
          schema: z.object({}),
          records: () => [],
          otherwise: () => [],
        }),
      },
    });
    const event = {
      index: 0,
      topic: "created",
      account: undefined,
      occurredAt: undefined,
      identity: undefined,
    };
    return (api: PlatformApi) => fetchObject(connector, { ...event, payload: { id: "1" } }, api);
  };
  const failing = (error: unknown): PlatformApi => ({ get: () => Promise.reject(error) });

  test("fails of the core's own errors as they are, because they may pass", async () => {
    const deadlock = Object.assign(new Error("deadlock detected"), { code: "40P01" });
    await expect(fetching((api) => api.get("x"))(failing(deadlock))).rejects.toBe(deadlock);
  });

  test("fails of the errors of another copy of the kit as of its own", async () => {
    // As a connector has it that brings its own lethe/kit.
    const brand = Symbol.for("lethe.error");
    class LetheError extends Error {
      readonly [brand] = true;
      readonly code = "platform/unavailable";
      readonly retry = true;
    }
    const theirs = new LetheError("the platform's API answered 503; it is tried again");
    await expect(fetching((api) => api.get("x"))(failing(theirs))).rejects.toBe(theirs);
    expect(describeError(theirs)).toMatchObject({ code: "platform/unavailable", retry: true });
  });

  test("fails of the connector's own, without what they quote", async () => {
    const leaky = fetching(() => Promise.reject(new Error("no bob@example.com")));
    await expect(leaky(failing(undefined))).rejects.toMatchObject({
      code: "payload/connector-fault",
      message: expect.not.stringContaining("bob"),
    });
  });
});
