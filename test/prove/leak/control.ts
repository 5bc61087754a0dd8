import { hash } from "node:crypto";
import { closeSync, existsSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Hit, inPostgres } from "../../support/search.ts";
import type { Canaries } from "./canaries.ts";
import type { World } from "./world.ts";

/** Texts that are put where none may be: a search that does not find them has shown nothing. */
export interface Control {
  readonly needles: readonly string[];
  /** Where one was, and was not found. */
  missed(hits: readonly Hit[]): string[];
  remove(): void;
}

/** In a table, in clear, hex and base64, and so in its file and the WAL; in a temporary file, and in one that is open and deleted. */
export async function plantControl({ folders }: World, canaries: Canaries): Promise<Control> {
  const [clear = "", hex = "", base64 = "", file = "", open = ""] = Array.from({ length: 5 }, (_, index) =>
    // Of no canary's beginning, however that is written: it would be a hit.
    hash("sha256", canaries.token(`control ${index}`)).slice(0, 24),
  );
  await inPostgres(folders.data, async (sql) => {
    // More than once: where a page of the WAL ends, a text is in two parts.
    await sql`create table public.planted as
      select ${clear}::text as clear, encode(${hex}::text::bytea, 'hex') as hex,
        encode(${`x${base64}x`}::text::bytea, 'base64') as base64 from generate_series(1, 3)`;
  });
  writeFileSync(join(folders.temporary, "planted"), file);
  const deleted = join(folders.temporary, "deleted");
  writeFileSync(deleted, open);
  const descriptor = openSync(deleted, "r");
  unlinkSync(deleted);
  const expected = [
    ...[clear, hex, base64].flatMap((text) =>
      ["/base/", "pg_wal", "table public.planted"].map((where) => [text, where] as const),
    ),
    [file, "temporary: planted"] as const,
    ...(existsSync("/proc/self/fd") ? [[open, "open: "] as const] : []),
  ];
  return {
    needles: [clear, hex, base64, file, open],
    missed: (hits) =>
      expected
        .filter(
          ([text, where]) => !hits.some(({ canary, place }) => canary === text && place.includes(where)),
        )
        .map(([, where]) => `the search did not find what was planted in ${where}`),
    remove: () => closeSync(descriptor),
  };
}
