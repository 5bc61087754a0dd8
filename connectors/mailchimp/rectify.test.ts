import { createHash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { type SimulatedMailchimp, simulateMailchimp } from "../../test/support/platforms/mailchimp.ts";
import { code, failure } from "../api.support.ts";
import { asked, simulated } from "../consent.support.ts";
import { entryOf, openRights } from "../open-rights.support.ts";

const world = simulated();

const ADDRESS = "Carla@canary.example";
const HASH = createHash("md5").update("carla@canary.example").digest("hex");
const LIST = "https://us21.api.mailchimp.com/3.0/lists/a6b5da1054";

let chimp: SimulatedMailchimp;
beforeEach(() => {
  chimp = simulateMailchimp({ apiKey: "t0ken-us21" });
  world.platforms = [chimp];
});

describe("a member is corrected", () => {
  const address = {
    ...{ line1: new Personal("1 Main St"), city: new Personal("Ottawa"), country: "CA" },
    ...{ postalCode: new Personal("K1A 0B1"), region: new Personal("ON") },
  };

  test("in one request, which answers with what is held", async () => {
    const id = chimp.add({ email: ADDRESS, phone: "+16135550188" });
    const api = await openRights(chimp);
    const corrections = {
      ...{ email: new Personal("Carla.New@canary.example"), phone: new Personal("+16135550199") },
      ...{ givenName: new Personal("Karla"), familyName: new Personal("Nguyễn"), address },
    };
    expect(await (await entryOf(api, id)).rectify(corrections)).toEqual({
      held: ["email", "phone", "givenName", "familyName", "address"],
      accepted: [],
      unsupported: [],
    });
    expect(asked(chimp).at(-1)).toEqual([
      `PATCH ${LIST}/members/${HASH}?skip_merge_validation=true`,
      {
        email_address: "Carla.New@canary.example",
        merge_fields: {
          ...{ PHONE: "+16135550199", FNAME: "Karla", LNAME: "Nguyễn" },
          ADDRESS: {
            ...{ addr1: "1 Main St", addr2: "", city: "Ottawa", state: "ON", zip: "K1A 0B1", country: "CA" },
          },
        },
      },
    ]);
    expect(chimp.outbox.map(({ body }) => new URLSearchParams(body).get("type"))).toEqual([
      "upemail",
      "profile",
    ]);
    const again = await (await entryOf(api, "carla.new@canary.example")).rectify(corrections);
    expect(again.held).toHaveLength(5);
  });

  test("but not in a field that the audience has not, nor by half an address", async () => {
    const id = chimp.add({ email: ADDRESS });
    const api = await openRights(chimp);
    const { region: _, ...half } = address;
    const before = chimp.requests.length;
    expect(await (await entryOf(api, id)).rectify({ address: half })).toEqual({
      ...{ held: [], accepted: [], unsupported: ["address"] },
    });
    expect(chimp.requests).toHaveLength(before + 1);
    world.answer = async (request) => {
      const text = await (await chimp.handle(request)).text();
      return new Response(text.replaceAll("FNAME", "VORNAME"), {
        headers: { "content-type": "application/json" },
      });
    };
    const renamed = await entryOf(api, id);
    expect(
      await renamed.rectify({ givenName: new Personal("Karla"), familyName: new Personal("Ng") }),
    ).toEqual({ held: ["familyName"], accepted: [], unsupported: ["givenName"] });
  });

  test("as accepted only, where Mailchimp then holds something else", async () => {
    const entry = await entryOf(await openRights(chimp), chimp.add({ email: ADDRESS }));
    world.answer = () => Response.json({ email_address: ADDRESS, merge_fields: { FNAME: "KARLA" } });
    expect(await entry.rectify({ givenName: new Personal("Karla") })).toMatchObject({
      accepted: ["givenName"],
    });
  });

  test("not to the address of somebody else", async () => {
    const entry = await entryOf(await openRights(chimp), chimp.add({ email: ADDRESS }));
    chimp.add({ email: "dan@canary.example" });
    const taken = entry.rectify({ email: new Personal("dan@canary.example") });
    expect(await failure(taken)).toEqual(code("platform/refused", { retry: false }));
  });
});
