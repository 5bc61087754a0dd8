import { HttpResponse } from "msw";
import { describe, expect, test, vi } from "vitest";
import type { CredentialStore } from "#kit";
import { code, failure, fetchFor, inMinutes, keeping, platformApis } from "../api.support.ts";

const world = platformApis();

const TOKENS = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer";
const COMPANY = "https://quickbooks.api.intuit.com/v3/company/9341455012345678";
const CLIENT = { clientId: "ABc1", clientSecret: "s3cret/+" };
const CUSTOMER = { Customer: { Id: "58", PrimaryEmailAddr: { Address: "carla@example.com" } } };

/** Intuit: each refresh token is good for one access token and gives the next; the answer as its documentation shows it. */
function intuit() {
  let issued = 1;
  const revoked = new Set<string>();
  world.answer = ({ url, authorization, body }) => {
    if (url === TOKENS) {
      if (new URLSearchParams(body).get("refresh_token") !== `refresh-${issued}`)
        return HttpResponse.json({ error: "invalid_grant" }, { status: 400 });
      issued += 1;
      return HttpResponse.json({
        token_type: "bearer",
        expires_in: 3600,
        refresh_token: `refresh-${issued}`,
        x_refresh_token_expires_in: 8_726_400,
        access_token: `access-${issued}`,
      });
    }
    const token = authorization?.replace("Bearer ", "") ?? "";
    return token === `access-${issued}` && !revoked.has(token)
      ? HttpResponse.json(CUSTOMER)
      : HttpResponse.json({ fault: { error: [{ code: "3200" }] } }, { status: 401 });
  };
  return { revoke: () => revoked.add(`access-${issued}`) };
}
const customer = (store: CredentialStore) => fetchFor("quickbooks", "customer", store);
const asked = () => world.calls.map(({ method, url }) => `${method} ${url}`);
const RENEWAL = `POST ${TOKENS}`;
const READING = `GET ${COMPANY}/customer/58?minorversion=75`;

describe("QuickBooks is asked", () => {
  test("for a token, and with it for the customer, as Intuit documents it", async () => {
    intuit();
    expect(await customer(keeping({ ...CLIENT, refreshToken: "refresh-1" }))).toEqual(CUSTOMER);
    expect(world.calls).toEqual([
      {
        method: "POST",
        url: TOKENS,
        authorization: `Basic ${btoa("ABc1:s3cret%2F%2B")}`,
        accept: expect.anything(),
        body: "grant_type=refresh_token&refresh_token=refresh-1",
      },
      {
        method: "GET",
        url: `${COMPANY}/customer/58?minorversion=75`,
        authorization: "Bearer access-2",
        accept: "application/json",
        body: "",
      },
    ]);
  });

  test("for a transaction by query, which says what is not there", async () => {
    world.answer = () => HttpResponse.json({ QueryResponse: {}, time: "2026-11-20T01:15:00.120-08:00" });
    const store = keeping({
      ...CLIENT,
      refreshToken: "r",
      accessToken: "a",
      accessTokenExpires: inMinutes(9),
    });
    expect(await fetchFor("quickbooks", "invoice", store)).toBeUndefined();
    expect(asked()).toEqual([
      `GET ${COMPANY}/query?query=select%20*%20from%20Invoice%20where%20Id%20%3D%20%27145%27&minorversion=75`,
    ]);
  });

  test("for nothing, when what happened is that something was deleted", async () => {
    intuit();
    expect(await fetchFor("quickbooks", "customer", keeping(CLIENT), 3)).toBeUndefined();
    expect(world.calls).toEqual([]);
  });

  test("in the sandbox, where the connection is one to it", async () => {
    world.answer = () => HttpResponse.json(CUSTOMER);
    const given = { accessToken: "a", accessTokenExpires: inMinutes(9), environment: "sandbox" };
    await customer(keeping({ ...CLIENT, refreshToken: "r", ...given }));
    expect(world.calls[0]?.url).toMatch(
      /^https:\/\/sandbox-quickbooks\.api\.intuit\.com\/v3\/company\/9341455012345678\//,
    );
  });

  test("with one token while it lasts, and for the next with the refresh token that came with it", async () => {
    intuit();
    const store = keeping({ ...CLIENT, refreshToken: "refresh-1", environment: "production" });
    await customer(store);
    await customer(store);
    expect(asked()).toEqual([RENEWAL, READING, READING]);
    expect(store.kept()).toMatchObject({ ...CLIENT, refreshToken: "refresh-2", environment: "production" });

    vi.spyOn(Date, "now").mockReturnValue(inMinutes(59.5)); // within the last minute of its hour
    await customer(store);
    expect(asked().slice(3)).toEqual([RENEWAL, READING]);
    expect(store.kept()).toMatchObject({ refreshToken: "refresh-3", accessToken: "access-3" });
  });

  test("once more with a fresh token when it refuses one before its time, and not a third time", async () => {
    const { revoke } = intuit();
    const store = keeping({ ...CLIENT, refreshToken: "refresh-1" });
    await customer(store);
    revoke();
    expect(await customer(store)).toEqual(CUSTOMER);
    expect(asked().slice(2)).toEqual([READING, RENEWAL, READING]);

    const granting = world.answer;
    world.answer = (call) => (call.url === TOKENS ? granting(call) : new HttpResponse(null, { status: 401 }));
    world.calls = [];
    expect(await failure(customer(store))).toEqual(code("platform/unauthorised", { retry: false }));
    expect(asked()).toEqual([READING, RENEWAL, READING]);
  });

  test("for one token by many at once", async () => {
    const { revoke } = intuit();
    const store = keeping({ ...CLIENT, refreshToken: "refresh-1" });
    const many = () => Promise.all(Array.from({ length: 8 }, () => customer(store)));
    expect(await many()).toEqual(Array(8).fill(CUSTOMER));
    expect(asked().filter((call) => call === RENEWAL)).toHaveLength(1);
    revoke();
    expect(await many()).toEqual(Array(8).fill(CUSTOMER));
    expect(asked().filter((call) => call === RENEWAL)).toHaveLength(2);
  });

  test("in vain when the refresh token is no good any more: the operator is told, and the old credentials stay", async () => {
    intuit();
    const store = keeping({ ...CLIENT, refreshToken: "refresh-of-last-year" });
    expect(await failure(customer(store))).toEqual(code("platform/not-renewed", { retry: false }));
    expect(store.kept()).toMatchObject({ refreshToken: "refresh-of-last-year" });
    expect(asked()).toEqual([RENEWAL]);
  });

  test.each([
    ["an hour", { token_type: "bearer", access_token: "access-t0ken" }],
    ["a token", { token_type: "bearer", expires_in: 3600 }],
  ])("in vain when the token endpoint grants without %s", async (_what, granted) => {
    world.answer = () => HttpResponse.json(granted);
    const store = keeping({ ...CLIENT, refreshToken: "refresh-1" });
    expect(await failure(customer(store))).toEqual(code("platform/not-renewed"));
  });

  test("again later when the token endpoint is busy", async () => {
    world.answer = () => new HttpResponse(null, { status: 503 });
    const store = keeping({ ...CLIENT, refreshToken: "refresh-1" });
    expect(await failure(customer(store))).toEqual(code("platform/unavailable", { retry: true }));
  });
});
