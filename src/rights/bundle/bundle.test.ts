import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from "@zip.js/zip.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collected } from "#kit";
import { Personal } from "#schemas";
import { FACTS, KLAVIYO, PASSPHRASE, SHOPIFY } from "../../../test/support/bundle.ts";
import { buildBundle } from "./bundle.ts";
import type { BundleFacts, PlatformPart } from "./facts.ts";

const NAMES = ["report.html", "data.json", "platform-01.json"];

/** The files of an archive, by an implementation that is not the one under test wherever there is one. */
async function files(archive: Uint8Array, password = PASSPHRASE): Promise<Record<string, string>> {
  const zip = new ZipReader(new Uint8ArrayReader(archive), { password, useWebWorkers: false });
  const read: Record<string, string> = {};
  for (const entry of await zip.getEntries()) {
    if (entry.directory) throw new Error("a folder");
    read[entry.filename] = Buffer.from(await entry.getData(new Uint8ArrayWriter())).toString("utf8");
  }
  return read;
}

const withRecords = (records: string, more: Partial<PlatformPart> = {}): BundleFacts => ({
  ...FACTS,
  platforms: [
    {
      ...{ name: "Shopify", connectionId: SHOPIFY, outcome: "done", ...more },
      sets: [{ title: "orders", categories: [], count: 1, records: new Personal(records) }],
    },
  ],
});

const reportOf = async (facts: BundleFacts) => (await files(await buildBundle(facts)))["report.html"] ?? "";

describe("a bundle", () => {
  test("opens with its passphrase, and with no other", async () => {
    const archive = await buildBundle(FACTS);
    expect(Object.keys(await files(archive))).toEqual(NAMES);
    await expect(files(archive, "7ZK3M-0AB2C-9XYTW-HJKMN-PQRSV")).rejects.toThrow();
    await expect(files(archive, "")).rejects.toThrow();
  });

  test("is encrypted with AES-256, as WinZip's AE-2 has it, and shows no checksum", async () => {
    const archive = Buffer.from(await buildBundle(FACTS));
    const entries = centralDirectory(archive);
    expect(entries.map(({ name }) => name)).toEqual(NAMES);
    for (const { flags, method, crc, extra } of entries) {
      expect(flags & 1).toBe(1);
      expect({ method, crc }).toEqual({ method: 99, crc: 0 });
      // Version 2, vendor "AE", strength 3 (256 bits), deflated: §II of the specification.
      expect(extra.get(0x9901)?.toString("hex")).toBe("0200414503" + "0800");
    }
    for (const word of ["Canary", "Carla", "customers", "Shopify", "Klaviyo", "did:lethe"])
      expect(archive.includes(word)).toBe(false);
  });

  test.skipIf(!has7Zip())("opens with 7-Zip, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lethe-bundle-"));
    try {
      const path = join(folder, "bundle.zip");
      writeFileSync(path, await buildBundle(FACTS));
      execFileSync("7z", ["x", `-p${PASSPHRASE}`, `-o${folder}`, path], { stdio: "pipe" });
      expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("Canary");
      expect(() => execFileSync("7z", ["t", "-pwrong", path], { stdio: "pipe" })).toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("has nothing of the data in the names of its files", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), async (name) => {
        const platforms = [{ ...withRecords("[]").platforms[0], name, connectionId: KLAVIYO }];
        const archive = await buildBundle({ ...FACTS, platforms: platforms as PlatformPart[] });
        expect(centralDirectory(Buffer.from(archive)).map((entry) => entry.name)).toEqual(NAMES);
      }),
      { numRuns: 20 },
    );
  });

  test("is refused when it would be larger than its limit unpacked, before and after it is put together", async () => {
    const size = Object.values(await files(await buildBundle(FACTS))).reduce(
      (sum, text) => sum + Buffer.byteLength(text),
      0,
    );
    await expect(buildBundle({ ...FACTS, maxBytes: size })).resolves.toBeInstanceOf(Uint8Array);
    for (const maxBytes of [size - 1, 10])
      await expect(buildBundle({ ...FACTS, maxBytes })).rejects.toMatchObject({
        code: "bundle/too-large",
        retry: false,
      });
  });

  test("is refused when what a platform gave is no array of records, and says only which platform", async () => {
    for (const records of ['{"canary":1}', '[{"canary":', "", "canary", "null"])
      await expect(buildBundle(withRecords(records))).rejects.toSatisfy((error: Error) => {
        expect(error).toMatchObject({
          code: "bundle/malformed",
          message: expect.stringContaining("Shopify"),
        });
        return !`${error.message}${error.stack}${String(error.cause)}`.includes("canary");
      });
  });
});

describe("the files for machines", () => {
  test("have what the hub knows, and where the rest is", async () => {
    const { "data.json": text = "" } = await files(await buildBundle(FACTS));
    expect(JSON.parse(text)).toEqual({
      format: "lethe-bundle/1",
      request: FACTS.request,
      controller: {
        name: "Acme & Söhne GmbH",
        retention: "Orders are kept for ten years.",
        contact: "privacy@acme.example",
      },
      issuedAt: FACTS.issuedAt,
      hub: JSON.parse(JSON.stringify(FACTS.hub)),
      platforms: [
        {
          ...{ name: "Shopify", connectionId: SHOPIFY, outcome: "done", file: "platform-01.json" },
          sets: [
            { title: "customers", categories: ["name", "email_address"], count: 1, incomplete: false },
            { title: "orders", categories: ["purchase_history"], count: 2, incomplete: true },
          ],
        },
        { name: "Klaviyo", connectionId: KLAVIYO, outcome: "not_found", file: null, sets: [] },
      ],
    });
  });

  test("have a platform's records exactly as they came, numbers beyond 2^53 and all", async () => {
    const records =
      '[{"id":9007199254740993,"price":10.10,"big":1e400,"zero":-0.0,"text":"\\u00e9 é \\ud800"}]';
    const { "platform-01.json": text = "", "report.html": page = "" } = await files(
      await buildBundle(withRecords(records)),
    );
    expect(text).toContain(`"records":${records}`);
    expect(JSON.parse(text)).toMatchObject({ name: "Shopify", sets: [{ title: "orders", count: 1 }] });
    for (const number of ["9007199254740993", "10.10", "1e400", "-0.0"])
      expect(page).toContain(`>${number}<`);
  });

  test("have whatever records there are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), async (records) => {
        const platform = {
          ...withRecords("[]").platforms[0],
          sets: [collected("orders", [], records)],
        } as PlatformPart;
        const { "platform-01.json": text = "" } = await files(
          await buildBundle({ ...FACTS, platforms: [platform] }),
        );
        expect(JSON.parse(text).sets[0].records).toEqual(JSON.parse(JSON.stringify(records)));
      }),
      { numRuns: 30 },
    );
  });
});

describe("the report", () => {
  test("says in plain words what the hub knows: who, what for, on what ground, with whom, and what was agreed", async () => {
    const text = words(await reportOf(FACTS));
    for (const expected of [
      "Your personal data at Acme & Söhne GmbH",
      "You asked for a copy of your personal data on 1 February 2026. This is the answer, made on 10 February 2026, 13:00 (Europe/Berlin).",
      "E-mail address Shopify",
      "Customer number Klaviyo",
      "order.created to deliver what you ordered a contract with you (GDPR Art. 6(1)(b)) name, purchase history Shopify Inc. Shopify 2 times, from 1 March 2025, 09:00 (Europe/Berlin) to 16 January 2026, 00:30 (Europe/Berlin)",
      "Marketing by e-mail You withdrew it 20 January 2026, 10:00 (Europe/Berlin) It is the last that you chose.",
      "You withdrew it unsubscribe Klaviyo your consent It decides",
      "access 1 February 2026, 11:00 (Europe/Berlin) received 0b8f7a52-4d4c-4a55-9a0c-3f6f5d5f0001",
      "How long your data are kept Orders are kept for ten years.",
      "Where you can complain Ask Acme & Söhne GmbH about this: privacy@acme.example.",
    ])
      expect(text).toContain(expected);
  });

  test("says that the hub knows nobody, where it does not", async () => {
    const hub = { ...FACTS.hub, subject: null, activities: [], consents: [], requests: [] };
    expect(words(await reportOf({ ...FACTS, hub }))).toContain("The hub knows nobody by what you gave us.");
  });

  test("shows what each platform holds, and says why where there is nothing or not all", async () => {
    const text = words(await reportOf(FACTS));
    for (const expected of [
      "What Shopify holds Your data there were collected for you. customers: 1 Categories of data: name, email address.",
      "id gid://shopify/Customer/1 firstName Carla lastName Canary tags a, b addresses 1 › city Köln addresses 1 › note –",
      "There are more of these than could be collected.",
      "What Klaviyo holds Nothing was found there by what we know of you.",
    ])
      expect(text).toContain(expected);
    const why = async (outcome: PlatformPart["outcome"]) =>
      words(
        await reportOf({
          ...FACTS,
          platforms: [{ name: "Stripe", connectionId: KLAVIYO, outcome, sets: [] }],
        }),
      );
    expect(await why("manual")).toContain("What Stripe holds This has to be done there by hand");
    expect(await why("failed")).toContain("This could not be done there.");
    expect(await why("unsupported")).toContain("This cannot be done there.");
  });

  test("shows so much of a large set as can be read, and says where the rest is", async () => {
    const records = Array.from({ length: 700 }, (_, id) => ({ id }));
    const platform = {
      ...withRecords("[]").platforms[0],
      sets: [collected("orders", [], records)],
    } as PlatformPart;
    const page = await reportOf({ ...FACTS, platforms: [platform] });
    expect(page.match(/<caption>orders, /g)).toHaveLength(500);
    expect(words(page)).toContain("The first 500 are shown here; all of them are in platform-01.json.");
    expect(words(await reportOf(withRecords(`[${"[".repeat(2_000)}${"]".repeat(2_000)}]`)))).toContain(
      "in the file for machines",
    );
  });

  test("has a language, a title, one heading of the first rank, ranks without gaps, and headed tables", async () => {
    const page = await reportOf(FACTS);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toContain("<title>Your personal data at Acme &amp; Söhne GmbH</title>");
    const ranks = [...page.matchAll(/<h([1-6])/g)].map(([, rank]) => Number(rank));
    expect(ranks.filter((rank) => rank === 1)).toHaveLength(1);
    for (const [index, rank] of ranks.entries())
      expect(rank - (ranks[index - 1] ?? 0)).toBeLessThanOrEqual(1);
    const tables = page.match(/<table>.*?<\/table>/gs) ?? [];
    expect(tables.length).toBeGreaterThan(5);
    for (const table of tables) expect(table).toMatch(/<table>\n<caption>.*<th scope="/s);
    for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) expect(page).toContain(`id="${id}"`);
  });

  test("lets nothing that a platform holds, or anybody is called, put an element or an attribute into it", async () => {
    const page = async (value: string) =>
      reportOf({
        ...FACTS,
        controller: { ...FACTS.controller, name: value, statements: { retention: value, contact: value } },
        hub: {
          ...FACTS.hub,
          connections: [{ id: SHOPIFY, name: value }],
          activities: FACTS.hub.activities.map((activity) => ({
            ...activity,
            recipient: value,
            activity: value,
          })),
          purposes: [{ id: "email_marketing", title: value }],
        },
        platforms: [
          {
            ...{ name: value, connectionId: SHOPIFY, outcome: "done" },
            sets: [collected(value, [], [{ [`${value}.`]: value, list: [{ [`${value}.`]: [value] }] }])],
          },
        ],
      });
    const tags = (text: string) => text.match(/<[^>]*>/g);
    const expected = tags(await page("harmless"));
    await fc.assert(
      fc.asyncProperty(HOSTILE, async (value) => {
        const text = await page(value);
        expect(tags(text)).toEqual(expected);
        expect(text).not.toMatch(/[\u0000-\u0008\u000e-\u001f]/);
      }),
      { numRuns: 60 },
    );
  });

  test("runs and loads nothing, and says so to the browser", async () => {
    const page = await reportOf(FACTS);
    expect(page).toMatch(
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src &#39;sha256-[^&]{44}&#39;">/,
    );
    expect(page).not.toMatch(/<(script|img|link|iframe|object|form)\b|\bon\w+=|\bsrc=|url\(|https?:/i);
  });
});

const HOSTILE = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "<",
        ">",
        '"',
        "'",
        "&",
        "<script>alert(1)</script>",
        '" onload="x',
        "</td>",
        "</title>",
        "-->",
        "<!--",
      ),
      fc.constantFrom("</style>", "\u0000", "\u0008", "\ud800", "<![CDATA[", "`", "{{x}}", "&lt;", "\u202e"),
      fc.string({ unit: "binary", maxLength: 5 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** What is to be read, without markup. */
function words(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .replace(/ ([.,])/g, "$1");
}

/** Read by hand, from the end (APPNOTE 4.3.12): what everybody sees without the passphrase. */
function centralDirectory(archive: Buffer) {
  const end = archive.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  let at = archive.readUInt32LE(end + 16);
  return Array.from({ length: archive.readUInt16LE(end + 10) }, () => {
    const [name, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const fields = archive.subarray(at + 46 + (name ?? 0), at + 46 + (name ?? 0) + (extra ?? 0));
    const entry = {
      name: archive.toString("latin1", at + 46, at + 46 + (name ?? 0)),
      ...{
        flags: archive.readUInt16LE(at + 8),
        method: archive.readUInt16LE(at + 10),
        crc: archive.readUInt32LE(at + 16),
      },
      extra: extraFields(fields),
    };
    at += 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0);
    return entry;
  });
}

function extraFields(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt16LE(at + 2))
    found.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + bytes.readUInt16LE(at + 2)));
  return found;
}

function has7Zip(): boolean {
  try {
    execFileSync("7z", ["i"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
