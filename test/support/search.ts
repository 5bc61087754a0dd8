import { join } from "node:path";
import postgres from "postgres";

export interface Hit {
  readonly canary: string;
  readonly place: string;
}

export interface Search {
  /** Texts that are searched for: the canaries in all their forms. */
  readonly forms: number;
  in(places: ReadonlyMap<string, Uint8Array>): readonly Hit[];
}

/** A search for canaries, in every form that they might lie about in. */
export function searchFor(canaries: readonly string[]): Search {
  const needles = canaries.flatMap((canary) =>
    formsOf(canary)
      .filter((form) => form.length >= 6)
      .map((form) => ({ canary, form })),
  );
  const find = finder(needles.map(({ form }) => form));
  return {
    forms: needles.length,
    in: (places) =>
      [...places].flatMap(([place, bytes]) =>
        [...new Set([...find(bytes)].map((index) => needles[index]?.canary ?? ""))].map((canary) => ({
          canary,
          place,
        })),
      ),
  };
}

/** As the superuser of a hub's embedded PostgreSQL. */
export async function inPostgres<T>(dataDir: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const path = join(dataDir, "postgres/.s.PGSQL.5432");
  const connection = { search_path: "lethe, public" };
  const sql = postgres({ path, user: "postgres", database: "lethe", max: 1, connection });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** A text and the forms in which it might lie about, each once. */
function formsOf(text: string): Buffer[] {
  const utf8 = Buffer.from(text, "utf8");
  const json = JSON.stringify(text).slice(1, -1);
  const forms = [
    utf8,
    Buffer.from(text, "latin1"),
    // Without its last byte it is in big-endian text, too.
    Buffer.from(text, "utf16le").subarray(0, -1),
    Buffer.from(utf8.toString("hex")),
    Buffer.from(utf8.toString("hex").toUpperCase()),
    Buffer.from(encodeURIComponent(text)),
    Buffer.from(json),
    Buffer.from(
      json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
    ),
    Buffer.from(text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)),
    ...base64Cores(utf8),
    ...base64Cores(utf8).map((core) =>
      Buffer.from(core.toString("latin1").replaceAll("+", "-").replaceAll("/", "_")),
    ),
  ];
  return [...new Map(forms.map((form) => [form.toString("latin1"), form])).values()];
}

/** What of a text's base64 stays the same wherever in a longer text it stands. */
function base64Cores(utf8: Buffer): Buffer[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), utf8])
      .toString("base64")
      .replace(/=+$/, "");
    return Buffer.from(encoded.slice(shift === 0 ? 0 : shift + 1, -2));
  });
}

/**
 * Which of many byte strings occur in data, in one pass over it (Aho and Corasick, https://doi.org/10.1145/360825.360855):
 * to look for five hundred one after the other in all of a database takes a quarter of a minute.
 */
export function finder(needles: readonly Uint8Array[]): (bytes: Uint8Array) => Set<number> {
  const most = needles.reduce((sum, { length }) => sum + length, 1);
  /** By state and byte: the next state. State 0 is that of nothing found so far. */
  const next = new Int32Array(most * 256);
  const step = (state: number, byte: number) => next[state * 256 + byte] ?? 0;
  const ends: Set<number>[] = [new Set()];
  for (const [index, needle] of needles.entries()) {
    let state = 0;
    for (const byte of needle) {
      if (step(state, byte) === 0) next[state * 256 + byte] = ends.push(new Set()) - 1;
      state = step(state, byte);
    }
    ends[state]?.add(index);
  }
  /** Where to go on when the next byte does not fit: the longest end of what was read that begins another. */
  const fallback = new Int32Array(ends.length);
  const queue = [0];
  for (const state of queue) {
    const back = fallback[state] ?? 0;
    for (const index of ends[back] ?? []) ends[state]?.add(index);
    for (let byte = 0; byte < 256; byte++) {
      const child = step(state, byte);
      const instead = state === 0 ? 0 : step(back, byte);
      if (child === 0) next[state * 256 + byte] = instead;
      else {
        fallback[child] = instead;
        queue.push(child);
      }
    }
  }
  const isEnd = Uint8Array.from(ends, ({ size }) => (size > 0 ? 1 : 0));
  return (bytes) => {
    const found = new Set<number>();
    let state = 0;
    // Once for each byte of a database: nothing here may allocate.
    for (let at = 0; at < bytes.length; at++) {
      state = next[state * 256 + (bytes[at] ?? 0)] ?? 0;
      if (isEnd[state] === 1) for (const index of ends[state] ?? []) found.add(index);
    }
    return found;
  };
}
