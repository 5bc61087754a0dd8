import { describe, expect, test } from "vitest";
import { Personal } from "#schemas";
import { type QuickBooksOptions, simulateQuickBooks } from "../../test/support/platforms/quickbooks.ts";
import { code, failure } from "../api.support.ts";
import { asked, simulated } from "../consent.support.ts";
import { able, collect, entry, erase, erased, find, ids, open, sets } from "../rights-api.support.ts";

const world = simulated();
const CARLA = "carla.o'hara@example.com";
const COMPANY = "https://quickbooks.api.intuit.com/v3/company/9341455012345678";
const TOKENS = ["POST https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"];
const PAGE = "orderby Id startposition 1 maxresults 100";
const query = (text: string) => [`GET ${COMPANY}/query?query=select * from ${text}&minorversion=75`];
const ALL = "and Active in (true, false)";
const BY_ID = (id: string) => query(`Customer where Id in ('${id.split("/").at(-1)}') ${ALL} ${PAGE}`);

async function books(options: QuickBooksOptions = { accessToken: "access-1" }) {
  const platform = simulateQuickBooks(options);
  world.platforms = [platform];
  return { platform, api: await open(platform) };
}
/** A customer with an invoice, a payment and an estimate. */
async function carla() {
  const { platform, api } = await books();
  const id = platform.add({ email: CARLA, phone: "+14165550123" });
  platform.book("Invoice", id, "2026-03-01");
  platform.book("Payment", id, "2026-10-31");
  platform.book("Estimate", id, "2026-02-01");
  return { platform, api, id };
}

describe("QuickBooks is asked for a person", () => {
  test("by id, as webhooks name it, active or not, after a token", async () => {
    const { platform, api } = await books({});
    const id = platform.add({ email: CARLA });
    expect(ids(await find(api, id))).toEqual([id]);
    expect(platform.requests.map(({ method, url }) => [`${method} ${decodeURIComponent(url)}`])).toEqual([
      TOKENS,
      BY_ID(id),
    ]);
    expect(platform.requests[1]?.headers).toMatchObject({
      accept: "application/json",
      authorization: "Bearer access-2",
    });
  });

  test("by address, with what is special in queries made plain", async () => {
    const { platform, api, id } = await carla();
    expect(ids(await find(api, CARLA.toUpperCase()))).toEqual([id]);
    expect(ids(await find(api, CARLA, id))).toEqual([id]);
    expect(asked(platform)[0]).toEqual(
      query(
        `Customer where PrimaryEmailAddr like '${CARLA.toUpperCase().replace("'", "\\'")}%' ${ALL} ${PAGE}`,
      ),
    );
  });

  test("by no more than their own address: one that begins so, or comes second, is somebody else's", async () => {
    const { platform, api } = await books();
    platform.add({ email: "tom@example.com.au" });
    platform.add({ email: "bookkeeper@example.com, tom@example.com" });
    const first = platform.add({ email: "Tom@example.com, bookkeeper@example.com" });
    expect(ids(await find(api, "tom@example.com"))).toEqual([first]);
    expect(await find(api, "%@example.com", "t%")).toEqual([]);
  });

  test("whom it does not know, or knows in another company, or by a phone", async () => {
    const { platform, api } = await carla();
    expect(await find(api, "9341455012345678/customer/4711", "nobody@example.com")).toEqual([]);
    platform.requests.length = 0;
    expect(
      await find(api, "1/customer/58", "58", "9341455012345678/customer/5') or (", "+14165550123"),
    ).toEqual([]);
    expect(platform.requests).toEqual([]);
  });

  test("as a vendor or an employee, by id alone", async () => {
    const { platform, api } = await books();
    const vendor = `9341455012345678/vendor/${platform.put("Vendor", { DisplayName: "Carla", Active: false })}`;
    const employee = `9341455012345678/employee/${platform.put("Employee", { DisplayName: "Carla C" })}`;
    expect(ids(await find(api, employee, vendor))).toEqual([vendor, employee]);
  });
});

describe("what the books have of a person", () => {
  test("is the customer, and all that was booked and offered", async () => {
    const { platform, api, id } = await carla();
    const found = await collect(await entry(api, id));
    expect(Object.entries(found).map(([title, records]) => [title, records.length])).toEqual([
      ...[
        ["customers", 1],
        ["invoices", 1],
        ["payments", 1],
        ["sales receipts", 0],
      ],
      ...[
        ["credit memos", 0],
        ["refund receipts", 0],
        ["estimates", 1],
      ],
    ]);
    expect(found["customers"]?.[0]).toMatchObject({ GivenName: "Carla", Notes: "prefers carla" });
    expect(found["customers"]?.[0]).not.toHaveProperty("SyncToken");
    expect(asked(platform)[1]).toEqual(query(`Invoice where CustomerRef = '58' ${PAGE}`));
  });

  test("is paged to the end, or said to be incomplete", async () => {
    const { platform, api, id } = await carla();
    for (let n = 0; n < 149; n++) platform.book("Invoice", id, "2026-01-01");
    const [, invoices] = await sets(await entry(api, id));
    expect(invoices).toMatchObject({ title: "invoices", count: 150 });
    expect(invoices).not.toHaveProperty("incomplete");
    for (let n = 0; n < 1_900; n++) platform.book("Invoice", id, "2026-01-01");
    expect((await sets(await entry(api, id)))[1]).toMatchObject({ count: 2_000, incomplete: true });
  });

  test("is, of a vendor, what they billed", async () => {
    const { platform, api } = await books();
    const id = platform.put("Vendor", { DisplayName: "Carla" });
    platform.put("Bill", { VendorRef: { value: id }, TotalAmt: 12.5 });
    expect(await collect(await entry(api, `9341455012345678/vendor/${id}`))).toMatchObject({
      ...{ vendors: [{ DisplayName: "Carla" }], bills: [{ TotalAmt: 12.5 }] },
      ...{ "bill payments": [], "vendor credits": [], "purchase orders": [] },
    });
  });
});

describe("an erasure", () => {
  test("gives a customer a name that nobody is known by, and forgets the rest; books are retained by law", async () => {
    const { platform, api, id } = await carla();
    expect(await erase(api, await entry(api, id))).toEqual({
      state: "gone",
      retained: {
        basis: "legal_obligation",
        categories: expect.arrayContaining(["purchase_history", "payment", "name"]),
        lastRecordAt: "2026-10-31T00:00:00.000Z",
      },
    });
    expect(asked(platform)[1]).toEqual([
      `POST ${COMPANY}/customer?minorversion=75`,
      {
        ...{ Id: "58", SyncToken: "0", sparse: false, Active: false },
        ...{ DisplayName: "Erased customer 58", PrintOnCheckName: "Erased customer 58" },
        ...{ PreferredDeliveryMethod: "None", Taxable: true },
        CurrencyRef: { value: "CAD", name: "Canadian Dollar" },
      },
    ]);
    expect(platform.requests[1]?.headers["content-type"]).toBe("application/json");
    expect(platform.has(id)).toBe(false);
  });

  test("leaves nothing of a customer who never bought", async () => {
    const { platform, api } = await books();
    const id = platform.add({ email: CARLA });
    expect(await erase(api, await entry(api, id))).toEqual({ state: "gone" });
  });

  test("that was not asked for, or did half of it, finds the customer there", async () => {
    const { platform, api, id } = await carla();
    expect(await erased(api, id)).toEqual({ state: "there" });
    await (await entry(api, id)).erase?.();
    const customer = platform.object("Customer", id) ?? {};
    for (const left of [{ Notes: "carla" }, { BillAddr: { Id: "95", City: "Ottawa" } }, { Active: true }]) {
      const before = { ...customer };
      Object.assign(customer, left);
      expect(await erased(api, id)).toEqual({ state: "there" });
      Object.assign(customer, { Notes: "", BillAddr: { Id: "95" } }, { Active: before["Active"] });
      expect(await erased(api, id)).toMatchObject({ state: "gone" });
    }
  });

  test("asked for twice is the same as once", async () => {
    const { platform, api, id } = await carla();
    await (await entry(api, id)).erase?.();
    await (await entry(api, id)).erase?.();
    expect(await erased(api, id)).toMatchObject({ state: "gone" });
    expect(platform.object("Customer", id)?.["DisplayName"]).toBe("Erased customer 58 (deleted)");
  });

  test("of a customer that was changed meanwhile is refused, and can be asked for anew", async () => {
    const { platform, api, id } = await carla();
    const found = await entry(api, id);
    Object.assign(platform.object("Customer", id) ?? {}, { SyncToken: "3" });
    expect(await failure(Promise.resolve(found.erase?.()))).toEqual(
      code("platform/refused", { retry: false }),
    );
    expect(await erase(api, await entry(api, id))).toMatchObject({ state: "gone" });
  });

  test("of who owes or is owed, of a vendor or an employee is left to somebody", async () => {
    const { platform, api, id } = await carla();
    for (const open of [{ Balance: 12.5 }, { Balance: 0, BalanceWithJobs: -3 }]) {
      Object.assign(platform.object("Customer", id) ?? {}, open);
      expect(able(await entry(api, id))).toEqual(["collect", "rectify"]);
    }
    const vendor = `9341455012345678/vendor/${platform.put("Vendor", { DisplayName: "C" })}`;
    expect(able(await entry(api, vendor))).toEqual(["collect"]);
    expect(await erased(api, vendor)).toEqual({ state: "unknown" });
  });
});

describe("a correction", () => {
  test("is one sparse update, and takes away what was of the old address", async () => {
    const { platform, api, id } = await carla();
    const address = { line1: new Personal("2 New Road"), city: new Personal("Toronto"), country: "CA" };
    const answer = await (await entry(api, id)).rectify?.({
      ...{ email: new Personal("carla@new.example"), phone: new Personal("+14165550199"), address },
      ...{ givenName: new Personal("Carlotta"), familyName: new Personal("Canary") },
    });
    expect(answer).toEqual({
      held: ["email", "phone", "givenName", "familyName", "address"],
      ...{ accepted: [], unsupported: [] },
    });
    expect(asked(platform).at(-1)).toEqual([
      `POST ${COMPANY}/customer?minorversion=75`,
      {
        ...{ Id: "58", SyncToken: "0", sparse: true, GivenName: "Carlotta", FamilyName: "Canary" },
        PrimaryEmailAddr: { Address: "carla@new.example" },
        PrimaryPhone: { FreeFormNumber: "+14165550199" },
        BillAddr: {
          ...{ Id: "95", Line1: "2 New Road", Line2: "", Line3: "", City: "Toronto" },
          ...{ PostalCode: "", CountrySubDivisionCode: "", Country: "CA" },
        },
      },
    ]);
    expect(platform.object("Customer", id)).toMatchObject({ Notes: "prefers carla" });
  });

  test("of a name is one of the name that the customer goes by, where that is their own", async () => {
    const { platform, api, id } = await carla();
    Object.assign(platform.object("Customer", id) ?? {}, { DisplayName: "Carla Canary" });
    const givenName = new Personal("Carlotta");
    expect(await (await entry(api, id)).rectify?.({ givenName })).toMatchObject({ held: ["givenName"] });
    expect(platform.object("Customer", id)).toMatchObject({ DisplayName: "Carlotta Canary" });
  });

  test("that QuickBooks writes otherwise is only accepted", async () => {
    const { api, id } = await carla();
    const found = await entry(api, id);
    world.answer = () => Response.json({ Customer: { Id: "58", SyncToken: "1", GivenName: "CARLOTTA" } });
    expect(await found.rectify?.({ givenName: new Personal("Carlotta") })).toEqual({
      ...{ held: [], accepted: ["givenName"], unsupported: [] },
    });
  });
});
