import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import Table from "cli-table3";

/** What was measured: of several rounds the median, because one of them may have had the machine to share. */
export interface Figure {
  /** Of which part; set by the runner. */
  readonly part?: string;
  /** The same in every run, so that runs can be compared. */
  readonly name: string;
  readonly value: number;
  /** "/s", "ms", "µs", "MB", "×". */
  readonly unit: string;
  readonly better: "more" | "less" | "neither";
  readonly rounds?: readonly number[];
  /** What bounds it, measured in the same run, and how many times that it is. */
  readonly beside?: { readonly what: string; readonly times: number };
  readonly aim?: string;
}

/** As `--save` writes them. */
export interface Results {
  readonly at: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly node: string;
  readonly options: Readonly<Record<string, number>>;
  readonly figures: readonly Figure[];
}

export function figure(
  name: string,
  rounds: number | readonly number[],
  unit: string,
  better: Figure["better"],
  more: Pick<Figure, "beside" | "aim"> = {},
): Figure {
  return typeof rounds === "number"
    ? { name, value: rounds, unit, better, ...more }
    : { name, value: median(rounds), unit, better, rounds, ...more };
}

/** Of rounds in which both were measured one after the other: the ratio of a round is of the same moment. */
export function besideEach(
  what: string,
  rounds: readonly number[],
  bounds: readonly number[],
): { beside: NonNullable<Figure["beside"]> } {
  return { beside: { what, times: median(rounds.map((round, i) => round / (bounds[i] ?? Number.NaN))) } };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = low] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return (low + high) / 2;
}

export function results(
  figures: readonly Figure[],
  options: Readonly<Record<string, number>>,
  at = new Date(),
): Results {
  const [processor] = cpus();
  return {
    at: at.toISOString(),
    cpus: cpus().length,
    cpu: processor?.model ?? "unknown",
    node: process.version,
    options,
    figures,
  };
}

export function save(file: string, given: Results): void {
  writeFileSync(file, `${JSON.stringify(given, null, 2)}\n`);
}

export function read(file: string): Results {
  return JSON.parse(readFileSync(file, "utf8")) as Results;
}

export function asTable(figures: readonly Figure[]): string {
  const table = new Table({
    head: ["", "measured", "rounds", "beside", "aim"],
    style: { head: [], border: [] },
  });
  for (const { name, value, unit, rounds, beside, aim } of figures)
    table.push([
      name,
      number(value, unit),
      rounds === undefined ? "" : `${number(Math.min(...rounds))} to ${number(Math.max(...rounds))}`,
      beside === undefined ? "" : `${number(beside.times)} × ${beside.what}`,
      aim ?? "",
    ]);
  return table.toString();
}

/** Then, now, and how many times better it got: above 1 is better, whichever way the figure goes. */
export function comparison(then: Results, now: Results): string {
  const table = new Table({ head: ["", "then", "now", "better by", ""], style: { head: [], border: [] } });
  // Two parts may call a figure the same.
  const keyOf = ({ part, name }: Figure) => `${part} ${name}`;
  const before = new Map(then.figures.map((one) => [keyOf(one), one]));
  for (const one of now.figures) {
    const { name, value, unit, better } = one;
    const old = before.get(keyOf(one));
    if (old === undefined) continue;
    const times = better === "less" ? old.value / value : value / old.value;
    const verdict = better === "neither" || Math.abs(times - 1) < 0.05 ? "" : times > 1 ? "better" : "WORSE";
    table.push([name, number(old.value, unit), number(value, unit), `${number(times)} ×`, verdict]);
  }
  const same = JSON.stringify(then.options) === JSON.stringify(now.options) && then.cpu === now.cpu;
  return `${table.toString()}\n${same ? "" : `Then it was measured differently: ${then.cpus} × ${then.cpu}, ${JSON.stringify(then.options)}\n`}`;
}

function number(value: number, unit = ""): string {
  // Three figures say enough of what is small, and whole numbers of what is large.
  const digits = Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  const text = value.toLocaleString("en", digits);
  return unit === "" || unit === "/s" ? `${text}${unit}` : `${text} ${unit}`;
}
