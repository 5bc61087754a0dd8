import { bundleErrors } from "./errors.ts";
import type { BundleFacts } from "./facts.ts";
import { type BundleFile, dataFile, platformRecords } from "./machine.ts";
import { report } from "./report.ts";

/** Bytes unpacked, where nothing else is said: all of it is in memory for a moment, twice. */
export const MAX_BUNDLE = 64 * 1024 * 1024;

/**
 * A ZIP archive of all that is known of a person: `report.html` for people, `data.json` and a file for each platform for
 * machines. Encrypted with AES-256 under the passphrase (WinZip's AE-2, https://libzip.org/specifications/aes_info.txt,
 * which hides the checksums, too), but for the files' names and sizes. Throws `bundle/too-large` and `bundle/malformed`.
 */
export async function buildBundle(facts: BundleFacts): Promise<Uint8Array> {
  const limit = facts.maxBytes ?? MAX_BUNDLE;
  const collected = facts.platforms.flatMap(({ sets }) => sets);
  // Before anything is made of it, because what is too large is also too large to be copied.
  if (sum(collected.map(({ records }) => Buffer.byteLength(records.reveal(), "utf8"))) > limit)
    throw bundleErrors.tooLarge(limit);
  const files: BundleFile[] = [
    report(facts),
    dataFile(facts),
    ...facts.platforms.flatMap((platform, index) =>
      platform.sets.length === 0 ? [] : [platformRecords(platform, index)],
    ),
  ];
  if (sum(files.map(({ text }) => Buffer.byteLength(text, "utf8"))) > limit)
    throw bundleErrors.tooLarge(limit);
  return archive(files, facts.passphrase, new Date(facts.issuedAt));
}

async function archive(
  files: readonly BundleFile[],
  password: string,
  lastModDate: Date,
): Promise<Uint8Array> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import("@zip.js/zip.js");
  const zip = new ZipWriter(new Uint8ArrayWriter(), {
    ...{ password, encryptionStrength: 3, zipCrypto: false, lastModDate },
    ...{ useWebWorkers: false, dataDescriptor: false },
  });
  for (const { name, text } of files) await zip.add(name, new Uint8ArrayReader(Buffer.from(text, "utf8")));
  return zip.close();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
