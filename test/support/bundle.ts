import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from "@zip.js/zip.js";
import { collected } from "#kit";
import { ConnectionId, ControllerId, Did, Personal, RightsRequestId, SubjectId } from "#schemas";
import type { BundleFacts, PlatformPart } from "../../src/rights/bundle/facts.ts";

const CONTROLLER = ControllerId.parse("5f0c7a10-0000-4000-8000-000000000001");
const SUBJECT = SubjectId.parse("5f0c7a10-0000-4000-8000-000000000002");
export const SHOPIFY = ConnectionId.parse("5f0c7a10-0000-4000-8000-000000000003");
export const KLAVIYO = ConnectionId.parse("5f0c7a10-0000-4000-8000-000000000004");

export const PASSPHRASE = "7ZK3M-0AB2C-9XYTW-HJKMN-PQRST";

/** What an access request brings together, with a person called Canary at Shopify. */
export const FACTS: BundleFacts = {
  request: {
    id: "0b8f7a52-4d4c-4a55-9a0c-3f6f5d5f0001",
    kind: "access",
    receivedAt: "2026-02-01T10:00:00.000Z",
  },
  controller: {
    ...{ name: "Acme & Söhne GmbH", timeZone: "Europe/Berlin" },
    statements: { retention: "Orders are kept for ten years.", contact: "privacy@acme.example" },
  },
  hub: {
    subject: {
      ...{ id: SUBJECT, did: Did.parse(`did:lethe:${"ab".repeat(32)}`), controller: CONTROLLER },
      identifiers: [
        { kind: "email", connection: SHOPIFY },
        { kind: "platform_id", connection: KLAVIYO },
      ],
      ...{ status: "active", mergedInto: null, createdAt: "2025-03-01T08:00:00.000Z" },
    },
    connections: [
      { id: SHOPIFY, name: "Shopify" },
      { id: KLAVIYO, name: "Klaviyo" },
    ],
    activities: ["2025-03-01T08:00:00.000Z", "2026-01-15T23:30:00.000Z"].map((occurredAt, ordinal) => ({
      ...{ id: `01900000-0000-7000-8000-000000000000.${ordinal}`, controller: CONTROLLER, subject: SUBJECT },
      ...{
        connection: SHOPIFY,
        connector: "shopify",
        activity: "order.created",
        purpose: "order_fulfilment",
      },
      ...{ lawfulBasis: "contract", dataCategories: ["name", "purchase_history"], recipient: "Shopify Inc." },
      ...{ occurredAt, recordedAt: occurredAt },
    })),
    consents: [
      {
        ...{ controller: CONTROLLER, subject: SUBJECT, purpose: "email_marketing", state: "withdrawn" },
        ...{ reason: "latest_choice", since: "2026-01-20T09:00:00.000Z", platforms: [] },
        records: [
          {
            ...{ id: "01900000-0000-7000-8000-000000000001.0", controller: CONTROLLER, subject: SUBJECT },
            ...{ purpose: "email_marketing", state: "withdrawn", nature: "expressed", source: "platform" },
            ...{ connection: KLAVIYO, method: "unsubscribe", lawfulBasis: "consent", jurisdiction: "EU" },
            ...{
              evidence: null,
              occurredAt: "2026-01-20T09:00:00.000Z",
              recordedAt: "2026-01-20T09:00:01.000Z",
            },
            ...{ current: true, verdict: "decides" },
          },
        ],
      },
    ],
    purposes: [{ id: "email_marketing", title: "Marketing by e-mail" }],
    requests: [
      {
        ...{
          id: RightsRequestId.parse("0b8f7a52-4d4c-4a55-9a0c-3f6f5d5f0001"),
          kind: "access",
          status: "received",
        },
        receivedAt: "2026-02-01T10:00:00.000Z",
      },
    ],
  },
  platforms: [
    {
      ...{ name: "Shopify", connectionId: SHOPIFY, outcome: "done" },
      sets: [
        collected(
          "customers",
          ["name", "email_address"],
          [
            {
              ...{ id: "gid://shopify/Customer/1", firstName: "Carla", lastName: "Canary", tags: ["a", "b"] },
              addresses: [{ city: "Köln", note: null }],
            },
          ],
        ),
        collected("orders", ["purchase_history"], [{ total: "12.30" }, { total: "4.50" }], {
          incomplete: true,
        }),
      ],
    },
    { name: "Klaviyo", connectionId: KLAVIYO, outcome: "not_found", sets: [] },
  ],
  passphrase: PASSPHRASE,
  issuedAt: "2026-02-10T12:00:00.000Z",
};

/** The files of a bundle, by name. */
export async function filesOf(archive: Uint8Array, password = PASSPHRASE): Promise<Record<string, string>> {
  const zip = new ZipReader(new Uint8ArrayReader(archive), { password, useWebWorkers: false });
  const read: Record<string, string> = {};
  for (const entry of await zip.getEntries()) {
    if (entry.directory) throw new Error("a folder");
    read[entry.filename] = Buffer.from(await entry.getData(new Uint8ArrayWriter())).toString("utf8");
  }
  return read;
}

/** A bundle with one set of Shopify, as the API gave it. */
export const withRecords = (records: string, more: Partial<PlatformPart> = {}): BundleFacts => ({
  ...FACTS,
  platforms: [
    {
      ...{ name: "Shopify", connectionId: SHOPIFY, outcome: "done", ...more },
      sets: [{ title: "orders", categories: [], count: 1, records: new Personal(records) }],
    },
  ],
});
