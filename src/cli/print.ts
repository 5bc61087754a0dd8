import { styleText } from "node:util";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";

/** Colours only on a terminal, and never with NO_COLOR. */
export function paint(
  style: Parameters<typeof styleText>[0],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(style, text, { stream, validateStream: true });
}

/** `1 event waits`, `2 events wait`. */
export function counted(count: number, singular: string, plural: string): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** JSON for programs; otherwise what `people` makes of it. */
export function output<T>(json: boolean, value: T, people: (value: T) => string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${people(value)}\n`);
}

/** A table with a header, or a line that says that there is nothing and what to do about it. */
export function table(
  rows: readonly Readonly<Record<string, string | number | null>>[],
  empty: string,
): string {
  const [first] = rows;
  if (first === undefined) return empty;
  const made = new Table({
    head: Object.keys(first).map((name) => paint("bold", name)),
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const row of rows) made.push(Object.values(row).map((value) => String(value ?? "–")));
  return made.toString();
}

/** `2026-11-21 07:31:54` in the reader's time zone: enough for a table; `--json` has all of it. */
export function shortTime(iso: string | null): string {
  if (iso === null) return "–";
  const time = new Date(iso);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 19)
    .replace("T", " ");
}

/** A progress bar on standard error, if that is a terminal. */
export function progressBar(what: string): { update(done: number, total?: number): void; stop(): void } {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(1, 0);
  return {
    update: (done, total) => {
      bar.setTotal(Math.max(total ?? 1, done, 1));
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}
