import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collected } from "#kit";
import { FACTS, filesOf, KLAVIYO, PASSPHRASE, SHOPIFY, withRecords } from "../../../test/support/bundle.ts";
import { buildBundle } from "./bundle.ts";
import type { PlatformPart } from "./facts.ts";

const NAMES = ["report.html", "data.json", "platform-01.json"];

describe("a bundle", () => {
  test("opens with its passphrase, and with no other", async () => {
    const archive = await buildBundle(FACTS);
    expect(Object.keys(await filesOf(archive))).toEqual(NAMES);
    await expect(filesOf(archive, "7ZK3M-0AB2C-9XYTW-HJKMN-PQRSV")).rejects.toThrow();
    await expect(filesOf(archive, "")).rejects.toThrow();
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
    const size = Object.values(await filesOf(await buildBundle(FACTS))).reduce(
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
    const { "data.json": text = "" } = await filesOf(await buildBundle(FACTS));
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
    const { "platform-01.json": text = "", "report.html": page = "" } = await filesOf(
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
        const { "platform-01.json": text = "" } = await filesOf(
          await buildBundle({ ...FACTS, platforms: [platform] }),
        );
        expect(JSON.parse(text).sets[0].records).toEqual(JSON.parse(JSON.stringify(records)));
      }),
      { numRuns: 30 },
    );
  });
});

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
