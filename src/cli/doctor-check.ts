import type { Rooms } from "#hub";

/** What one look found; of a finding, `advice` says what to do. */
export interface Result {
  readonly ok: boolean;
  readonly detail: string;
  readonly advice?: string;
}

export type Checks = Record<string, (rooms: Rooms) => Promise<Result>>;

export const DAY = 86_400_000;

/** An age in words: `3 minutes`. */
export function ageOf(since: string | number, now = Date.now()): string {
  const minutes = Math.max(0, Math.round((now - new Date(since).getTime()) / 60_000));
  const [count, unit] =
    minutes < 120
      ? [minutes, "minute"]
      : minutes < 2 * 1_440
        ? [Math.round(minutes / 60), "hour"]
        : [Math.round(minutes / 1_440), "day"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
