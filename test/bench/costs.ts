import { type Figure, figure } from "./figures.ts";
import type { ProcessorTime } from "./processor-time.ts";

/** What some deliveries took: how many there were, and whose processor time. */
export interface Cost {
  readonly deliveries: number;
  readonly used: ProcessorTime | undefined;
  /** Milliseconds of the load generator, where it is told. */
  readonly generator?: number;
}

/** Microseconds of processor time for each delivery, of the hub and PostgreSQL and by process: on few cores it bounds the rate. */
export function costs(name: string, rounds: readonly Cost[]): Figure[] {
  const each = (milliseconds: (cost: Cost) => number | undefined) =>
    rounds.map((cost) => ((milliseconds(cost) ?? Number.NaN) * 1_000) / cost.deliveries);
  const rows: [string, number[]][] = [
    ["hub's own thread", each(({ used }) => used?.hubThread)],
    ["hub's garbage collector and others", each(({ used }) => used?.hubOthers)],
    ["PostgreSQL", each(({ used }) => used?.postgres)],
    ["load generator", each(({ generator }) => generator)],
  ];
  const told = rows.filter(([, values]) => values.every(Number.isFinite));
  const hub = told.filter(([whose]) => whose !== "load generator");
  if (hub.length === 0) return [];
  return [
    figure(`CPU of ${name}`, rounds.map(perDelivery), "µs", "less"),
    ...told.map(([whose, values]) =>
      figure(`  ${name}: ${whose}`, values, "µs", whose === "load generator" ? "neither" : "less"),
    ),
  ];
}

/** Of the hub and PostgreSQL together, in microseconds for each delivery. */
export function perDelivery({ used, deliveries }: Cost): number {
  return used === undefined
    ? Number.NaN
    : ((used.hubThread + used.hubOthers + used.postgres) * 1_000) / deliveries;
}
