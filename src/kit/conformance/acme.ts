import { z } from "zod";
import type { Connector, Door } from "../connector.ts";
import { defineConnector } from "../connector.ts";
import { each, on } from "../events.ts";
import { bodyField, field, header } from "../extract.ts";
import type { Fixture } from "../fixtures.ts";
import { activity, consent, subject } from "../records.ts";
import { embeddedJson, optionalText, platformId } from "../shapes.ts";
import { makeCheck, type PlannedCheck, planChecks } from "./index.ts";

// A connector that passes every check, for the suite's own tests to break.

const customer = z.object({
  id: platformId,
  email: optionalText,
  name: optionalText,
  extra: embeddedJson(z.object({})),
});

export const acme = (signature: Door["signature"], change: Partial<Connector> = {}): Connector =>
  defineConnector({
    id: "acme",
    name: "Acme",
    documentation: "https://acme.example.com/webhooks",
    webhook: {
      signature,
      requires: ["x-account"],
      body: "json",
      id: { parts: [field("event")] },
      topic: field("type"),
      account: header("x-account"),
    },
    activities: {
      "customer.created": {
        purpose: "customer_management",
        lawfulBasis: "contract",
        dataCategories: ["email_address", "customer_id"],
      },
    },
    events: {
      created: on(customer, (c) => [
        subject({ platformId: c.id, email: c.email }),
        activity("customer.created"),
        consent({ purpose: "email_marketing", state: "granted", method: "signup_form" }),
      ]),
    },
    ...change,
  } as Connector);

/** The same for requests that carry several events, and the webhook's id twice. */
export const acmeBatch = (signature: Door["signature"], agree: Door["agree"]): Connector =>
  acme(signature, {
    webhook: {
      signature,
      body: "json",
      events: each("data"),
      id: { parts: [field("event")] },
      topic: field("type"),
      ...(agree === undefined ? {} : { agree }),
    },
  });
export const agreeing = [header("x-webhook"), bodyField("webhook")] as const;

export const payload = {
  event: "evt_1",
  type: "created",
  id: 4711,
  email: "bob@example.com",
  name: "Bob Biller",
  extra: '{"note":"loves ice cream"}',
};
const records = [
  { type: "subject", email: ["bob@example.com"], platformId: ["4711"] },
  { type: "activity", activity: "customer.created" },
  {
    type: "consent",
    purpose: "email_marketing",
    state: "granted",
    nature: "expressed",
    method: "signup_form",
  },
];

export const fixture = (change: Partial<Fixture> = {}): Fixture => ({
  name: "created",
  about: "a customer is created",
  method: "POST",
  url: "/",
  headers: { "content-type": "application/json", "x-account": "acme-1" },
  body: JSON.stringify(payload, null, 1),
  answers: new Map(),
  expect: { topic: "created", account: "acme-1", records },
  ...change,
});

export const batch = fixture({
  headers: { "content-type": "application/json", "x-webhook": "wh_1" },
  body: JSON.stringify({ webhook: "wh_1", data: [payload, { ...payload, event: "evt_2" }] }),
  expect: {
    events: [
      { topic: "created", records },
      { topic: "created", records },
    ],
  },
});

/** The names of the checks that fail, of all but the slow ones. */
export function failing(
  connector: Connector,
  fixtures: readonly Fixture[] = [fixture()],
  readme?: string,
): Promise<string[]> {
  const planned = planChecks(connector, fixtures, readme === undefined ? {} : { readme });
  return failed(planned.filter(({ name }) => !isSlow(name)));
}

/** What the slow checks find, those with hostile payloads. */
export async function hurting(connector: Connector, fixtures = [fixture()]): Promise<string[]> {
  return failed(planChecks(connector, fixtures).filter(({ name }) => isSlow(name)));
}

const isSlow = (name: string) => name.startsWith("withstands");

async function failed(planned: readonly PlannedCheck[]): Promise<string[]> {
  const checks = await Promise.all(planned.map(makeCheck));
  return [...new Set(checks.filter(({ ok }) => !ok).map(({ name }) => name))];
}
