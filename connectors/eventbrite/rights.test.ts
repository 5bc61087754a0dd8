import { describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { simulateEventbrite } from "../../test/support/platforms/eventbrite.ts";
import { code, failure } from "../api.support.ts";
import { asked, simulated } from "../consent.support.ts";
import {
  able,
  collect,
  entry,
  failsAsItShould,
  find,
  ids,
  open,
  readsNoNonsense,
  sets,
} from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla+night@example.com";
const API = "https://www.eventbriteapi.com/v3";

async function account() {
  const platform = simulateEventbrite();
  world.platforms = [platform];
  return { platform, api: await open(platform), organization: platform.organization() };
}

describe("Eventbrite is asked for a person", () => {
  test("by address: for orders, and for tickets whoever bought them, in each organization", async () => {
    const { platform, api, organization } = await account();
    const other = platform.organization();
    platform.order(CARLA);
    expect(ids(await find(api, CARLA.toUpperCase()))).toEqual([CARLA]);
    expect(asked(platform)).toEqual([
      [`GET ${API}/users/me/organizations/`],
      ...[organization, other].flatMap((id) => [
        [`GET ${API}/organizations/${id}/orders/?only_emails=${CARLA}&status=both`],
        [`GET ${API}/organizations/${id}/attendees/`],
      ]),
    ]);
    expect(platform.requests[1]?.url).toContain("only_emails=carla%2Bnight%40example.com&");
    expect(platform.requests[0]?.headers).toMatchObject({
      ...{ accept: "application/json", authorization: "Bearer t0ken-of-eventbrite" },
    });
  });

  test("as one entry, with all of their addresses in one request", async () => {
    const { platform, api, organization } = await account();
    for (const email of [CARLA, "carla@work.example"]) platform.order(email);
    const both = await entry(api, CARLA, "carla@work.example");
    expect((await collect(both))["orders"]).toHaveLength(2);
    expect(asked(platform)[1]).toEqual([
      `GET ${API}/organizations/${organization}/orders/?only_emails=${CARLA},carla@work.example&status=both`,
    ]);
  });

  test("whom it does not know; by a phone it is not asked", async () => {
    const { platform, api } = await account();
    platform.order("tom@example.com");
    expect(await find(api, CARLA, "4711")).toEqual([]);
    platform.requests.length = 0;
    expect(await find(api, "+14165550123")).toEqual([]);
    expect(platform.requests).toEqual([]);
  });

  test("by a ticket's number only where it has no address: it may have changed hands", async () => {
    const { platform, api } = await account();
    const [named = "", nameless = ""] = platform.order("tom@example.com", ["ann@example.com", ""]);
    expect(await find(api, named)).toEqual([]);
    expect((await collect(await entry(api, nameless)))["attendees"]).toMatchObject([{ id: nameless }]);
  });
});

describe("what Eventbrite has of a person", () => {
  test("is what they ordered, and tickets in their name, without the others'", async () => {
    const { platform, api } = await account();
    const [own] = platform.order(CARLA, [CARLA, "tom@example.com"]);
    const [given] = platform.order("ann@example.com", [CARLA]);
    const { orders, attendees } = await collect(await entry(api, CARLA));
    expect(orders).toMatchObject([{ email: CARLA, costs: { gross: { display: "€12.30" } } }]);
    expect(attendees?.map(({ id }) => id)).toEqual([own, given]);
    expect(JSON.stringify({ orders, attendees })).not.toMatch(/resource_uri|tom@|ann@/);
  });

  test("is no more than what shows their address, even if Eventbrite gave out everything", async () => {
    const { platform, api } = await account();
    for (const email of [CARLA, "tom@example.com"]) platform.order(email);
    world.answer = (request) =>
      platform.handle(new Request(request.url.replace(/only_emails=[^&]*/, ""), request));
    expect((await collect(await entry(api, CARLA)))["orders"]).toHaveLength(1);
  });

  test("is paged to the end, or said to be incomplete", async () => {
    const { platform, api } = await account();
    for (let n = 0; n < 120; n++) platform.order(CARLA);
    expect(await sets(await entry(api, CARLA))).toMatchObject([
      ...[
        { title: "orders", count: 120 },
        { title: "attendees", count: 120 },
      ],
    ]);
    platform.order("tom@example.com", Array(5_000).fill("tom@example.com"));
    const [orders, attendees] = await sets(await entry(api, CARLA));
    expect(orders).not.toHaveProperty("incomplete");
    expect(attendees).toMatchObject({ incomplete: true });
  });

  test("is not said to be nothing where not all was gone through", async () => {
    const { platform, api } = await account();
    platform.order("tom@example.com", Array(5_001).fill("tom@example.com"));
    const maybe = await entry(api, CARLA);
    expect(await sets(maybe)).toMatchObject([{ count: 0 }, { count: 0, incomplete: true }]);
  });

  test("can only be read: the API has nothing that deletes or corrects", async () => {
    const { platform, api } = await account();
    platform.order(CARLA);
    expect(connectors.get("eventbrite")?.rights?.can).toEqual(["access"]);
    expect(able(await entry(api, CARLA))).toEqual(["collect"]);
    expect(api.erased).toBeUndefined();
  });
});

describe("Eventbrite fails to be asked for a person", () => {
  const finding = async () => {
    const { platform, api } = await account();
    platform.order(CARLA);
    return { platform, call: () => find(api, CARLA) };
  };
  failsAsItShould(world, finding);
  readsNoNonsense(world, finding);

  test("that has no such list is no answer about one", async () => {
    const { platform, call } = await finding();
    platform.fail({ status: 404 });
    expect(await failure(call())).toEqual(code("platform/refused", { retry: false }));
  });
});

test("a connection calls with its own token, whatever another does at the same time", async () => {
  const { platform, api } = await account();
  platform.order(CARLA);
  const other = await open(platform, { credentials: { privateToken: "t0ken-of-somebody-else" } });
  const [own, failed] = await Promise.all([find(api, CARLA), failure(find(other, CARLA))]);
  expect(ids(own)).toEqual([CARLA]);
  expect(failed).toEqual(code("platform/unauthorised", { retry: false }));
});
