import type { BundleFacts, PlatformPart } from "./facts.ts";
import { recordsText } from "./records.ts";

/** A file of the bundle. Its name is readable without the passphrase, so nothing of the data is in it. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** Where a platform's records are, by its place in the list. */
export function platformFile(index: number): string {
  return `platform-${String(index + 1).padStart(2, "0")}.json`;
}

/** `data.json`: what the hub knows, and where the rest is (GDPR Art. 20(1): "structured, commonly used and machine-readable"). */
export function dataFile({ request, controller, hub, platforms, issuedAt }: BundleFacts): BundleFile {
  const data = {
    format: "lethe-bundle/1",
    request,
    controller: { name: controller.name, ...controller.statements },
    issuedAt,
    hub,
    platforms: platforms.map((platform, index) => ({
      ...aboutPlatform(platform),
      file: platform.sets.length === 0 ? null : platformFile(index),
      sets: platform.sets.map(({ title, categories, count, incomplete }) => ({
        ...{ title, categories, count, incomplete: incomplete === true },
      })),
    })),
  };
  return { name: "data.json", text: `${JSON.stringify(data, null, 2)}\n` };
}

/** One platform's records, as its API gave them. */
export function platformRecords(platform: PlatformPart, index: number): BundleFile {
  const about = JSON.stringify(aboutPlatform(platform)).slice(0, -1);
  const sets = platform.sets.map((set) => {
    const { title, categories, count, incomplete } = set;
    const head = JSON.stringify({ title, categories, count, incomplete: incomplete === true }).slice(0, -1);
    return `${head},"records":${recordsText(platform.name, set)}}`;
  });
  return { name: platformFile(index), text: `${about},"sets":[\n${sets.join(",\n")}\n]}\n` };
}

function aboutPlatform({ name, connectionId, outcome, byHand, retained }: PlatformPart) {
  return { name, connectionId, outcome, ...(byHand === true && { byHand }), ...(retained && { retained }) };
}
