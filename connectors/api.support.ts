import { inspect } from "node:util";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { connectors } from "#connectors";
import {
  type CredentialStore,
  eventsOf,
  fetchObject,
  loadFixtures,
  openApi,
  receive,
  signFixture,
} from "#kit";

/** A request that reached a platform's API. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | null;
  readonly accept: string | null;
  readonly body: string;
}
/** The world as the hub sees it during a test file: everything that is fetched comes here, and nothing gets out. */
export function platformApis() {
  const world: { calls: Call[]; answer: (call: Call) => Response | Promise<Response> } = {
    calls: [],
    answer: () => HttpResponse.error(),
  };
  const server = setupServer(
    http.all("*", async ({ request }) => {
      const { method, url, headers } = request;
      const call = {
        ...{ method, url, body: await request.text() },
        ...{ authorization: headers.get("authorization"), accept: headers.get("accept") },
      };
      world.calls.push(call);
      return world.answer(call);
    }),
  );
  beforeAll(() => server.listen());
  afterAll(() => server.close());
  beforeEach(() => {
    world.calls = [];
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return world;
}

/** Keeps credentials as a connection does: one renewal at a time, and none of what somebody else has renewed already. */
export function keeping(credentials: unknown): CredentialStore & { readonly kept: () => unknown } {
  let current = credentials;
  let last: Promise<unknown> = Promise.resolve();
  return {
    kept: () => current,
    current: async () => current,
    renew(stale, how) {
      const renewal = async () => {
        if (current === stale) current = await how(current);
        return current;
      };
      const renewed = last.then(renewal, renewal);
      last = renewed;
      return renewed;
    },
  };
}

/** Fetches what an event of a fixture points to, from the API as the connector declares it. */
export async function fetchFor(
  platform: string,
  name: string,
  store: CredentialStore,
  index = 0,
): Promise<unknown> {
  const connector = connectors.get(platform);
  const fixture = loadFixtures(`fixtures/${platform}`).find((candidate) => candidate.name === name);
  if (connector?.api === undefined || fixture === undefined) throw new Error(`no ${platform}/${name}`);
  const request = signFixture(connector, fixture, "secret", 0);
  const received = receive(connector, request, { secrets: ["secret"], account: null }, 0);
  if (received.kind !== "delivery") throw new Error(received.kind);
  const event = eventsOf(connector, request.body, received.about)[index];
  if (event === undefined) throw new Error("no such event");
  return fetchObject(connector, event, openApi(connector.api, store));
}

/** The error that a promise ends with, all of it that could be shown or logged being free of secrets and people. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const shown = inspect(error, { depth: 9, showHidden: true });
  for (const secret of ["t0ken", "s3cret", "refresh-", "access-", "carla", "canary", "@"])
    expect(shown.replaceAll(/node_modules\/@?/g, "")).not.toContain(secret);
  return error;
}
export const code = (expected: string, more: object = {}) =>
  expect.objectContaining({ code: expected, ...more });

export const inMinutes = (minutes: number) => Date.now() + minutes * 60_000;
