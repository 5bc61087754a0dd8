import { HttpResponse } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { type SimulatedStripe, simulateStripe } from "../../test/support/platforms/stripe.ts";
import { code, failure } from "../api.support.ts";
import { person, simulated } from "../consent.support.ts";
import { became, entry, openRights } from "../rights.support.ts";

const world = simulated();

const ADDRESS = "carla@canary.example";
const BASE = "https://api.stripe.com/v1/";

let stripe: SimulatedStripe;
beforeEach(() => {
  stripe = simulateStripe();
  world.platforms = [stripe];
});
/** What was asked for, without what finds the person. */
const asked = (from = 0) =>
  stripe.requests
    .slice(from)
    .map(({ method, url, body }) =>
      [method, decodeURIComponent(url.replace(BASE, "")), decodeURIComponent(body)]
        .filter((one) => one !== "")
        .join(" "),
    );

describe("an erasure", () => {
  const LATER = 91;

  test("is a redaction job, which is started once it has been checked, and read back until it is done", async () => {
    const id = stripe.add({ email: ADDRESS });
    stripe.pay(id, LATER);
    const api = await openRights(stripe);
    const found = await entry(api, person(id));
    const before = stripe.requests.length;
    expect(await found.erase?.()).toEqual({ receipt: "prj_1" });
    const [lately, job, ...others] = asked(before);
    expect(lately).toMatch(RegExp(`^GET charges\\?customer=${id}&created\\[gt\\]=\\d{10}&limit=1$`));
    expect(job).toBe(`POST privacy/redaction_jobs objects[customers][0]=${id}&validation_behavior=fix`);
    expect(others).toEqual([]);
    expect(stripe.requests.at(-1)?.headers).toMatchObject({
      "stripe-version": expect.stringMatching(/^\d{4}-\d\d-\d\d\.preview$/),
      "idempotency-key": expect.any(String),
    });

    expect(await became(api, id, "prj_1")).toEqual({ state: "pending" }); // it is being checked
    expect(stripe.jobs).toMatchObject([{ status: "ready" }]);
    expect(await became(api, id, "prj_1")).toEqual({ state: "pending" }); // it is started
    expect(asked().at(-1)).toBe("POST privacy/redaction_jobs/prj_1/run");
    expect(await became(api, id, "prj_1")).toEqual({ state: "pending" });
    expect(stripe.has(id)).toBe(true);
    stripe.finish?.();
    expect(await became(api, id, "prj_1")).toEqual({ state: "gone" });
    expect(stripe.has(id)).toBe(false);
    expect(asked().filter((one) => one.includes("/run"))).toHaveLength(1);
  });

  test("leaves the invoices that Stripe does not redact", async () => {
    const id = stripe.add({ email: ADDRESS });
    const created = Date.parse("2026-05-04T10:00:00Z") / 1_000;
    stripe.attach(id, "invoices", { created, customer_email: ADDRESS });
    const api = await openRights(stripe);
    await (await entry(api, person(id))).erase?.();
    stripe.finish?.();
    await became(api, id, "prj_1");
    stripe.finish?.();
    expect(await became(api, id, "prj_1")).toEqual({
      state: "gone",
      retained: {
        basis: "legal_obligation",
        categories: ["name", "email_address", "postal_address", "customer_id", "purchase_history"],
        lastRecordAt: "2026-05-04T10:00:00.000Z",
      },
    });
  });

  test.each([
    ["the account has no redaction", { redaction: false }, {}, LATER],
    ["the connection is to have none", {}, { redaction: false }, LATER],
    ["a payment is younger than 90 days", {}, {}, 89],
  ])("is a deletion that leaves the payments, where %s", async (_, has, credentials, daysAgo) => {
    stripe = simulateStripe(has);
    world.platforms = [stripe];
    const id = stripe.add({ email: ADDRESS });
    stripe.pay(id, daysAgo);
    const api = await openRights(stripe, { credentials });
    expect(await (await entry(api, person(id))).erase?.()).toEqual({});
    expect(asked().at(-1)).toBe(`DELETE customers/${id}`);
    expect(stripe.has(id)).toBe(false);
    expect(await became(api, id)).toEqual({
      state: "gone",
      retained: {
        basis: "legal_obligation",
        categories: [
          ...["name", "email_address", "postal_address", "customer_id", "payment", "purchase_history"],
        ],
        lastRecordAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      },
    });
  });

  test("of who was there a moment ago does nothing", async () => {
    const found = await entry(await openRights(stripe), person(stripe.add({ email: ADDRESS })));
    const missing = { error: { type: "invalid_request_error", code: "resource_missing" } };
    world.answer = (request) =>
      request.url.includes("/privacy/")
        ? HttpResponse.json(missing, { status: 404 })
        : stripe.handle(request);
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(code("platform/refused"));
    expect(asked().filter((one) => one.startsWith("DELETE"))).toEqual([]);
  });

  test("leaves nothing, where there are no payments", async () => {
    const id = stripe.add({ email: ADDRESS });
    const api = await openRights(stripe, { credentials: { redaction: false } });
    await (await entry(api, person(id))).erase?.();
    expect(await became(api, id)).toEqual({ state: "gone" });
  });

  test("is refused, where the customer cannot be redacted, and then the customer is still there", async () => {
    const id = stripe.add({ email: ADDRESS });
    stripe.obstruct(id);
    const api = await openRights(stripe);
    const { receipt = null } = (await (await entry(api, person(id))).erase?.()) ?? {};
    expect(await became(api, id, receipt)).toEqual({ state: "pending" });
    expect(await became(api, id, receipt)).toEqual({ state: "refused" });
    expect(stripe.has(id)).toBe(true);
    expect(await became(api, id)).toEqual({ state: "there" }); // who asks anew may
  });

  test("whose answer was lost is found again, however many jobs came after it", async () => {
    const id = stripe.add({ email: ADDRESS });
    const api = await openRights(stripe);
    expect(await became(api, id)).toEqual({ state: "there" });
    await (await entry(api, person(id))).erase?.();
    for (let n = 0; n < 120; n++) {
      const other = stripe.add({ email: `canary-${n}@canary.example` });
      await (await entry(api, person(other))).erase?.();
    }
    const before = stripe.requests.length;
    expect(await became(api, id)).toEqual({ state: "pending" });
    expect(asked(before)).toEqual([
      `GET customers/${id}`,
      "GET privacy/redaction_jobs?limit=100&expand[]=data.objects",
      "GET privacy/redaction_jobs?limit=100&expand[]=data.objects&starting_after=prj_22",
    ]);
    await became(api, id);
    stripe.finish?.();
    expect(await became(api, id)).toEqual({ state: "gone" });
  });

  test("that was asked for twice is one: the job that came second fails", async () => {
    const id = stripe.add({ email: ADDRESS });
    const api = await openRights(stripe);
    const found = await entry(api, person(id));
    await Promise.all([found.erase?.(), found.erase?.()]);
    expect(stripe.jobs.map(({ status }) => status)).toEqual(["validating", "failed"]);
    expect(await became(api, id)).toEqual({ state: "pending" });
  });

  test("of who is not there any more is no error when it is looked up", async () => {
    expect(await became(await openRights(stripe), "cus_nobody")).toEqual({ state: "gone" });
    expect(await became(await openRights(stripe), "cus_nobody", "prj_9")).toEqual({ state: "gone" });
  });

  test("in a state that Stripe invents later is not known", async () => {
    world.answer = () => HttpResponse.json({ id: "prj_1", status: "sleeping" });
    expect(await became(await openRights(stripe), "cus_1", "prj_1")).toEqual({ state: "unknown" });
  });
});
