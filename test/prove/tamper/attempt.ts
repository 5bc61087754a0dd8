import type { Logs } from "./logs.ts";

/** One change of sealed logs. Attempts of the same kind differ in place, which the seed chooses. */
export interface Attempt {
  readonly kind: string;
  /** Makes the change; resolves false if there is nothing there to change so, or the database itself refuses it. */
  tamper(logs: Logs, random: () => number): Promise<boolean>;
  /** What is held outside when it is looked for; the newest checkpoint unless told otherwise. */
  readonly outside?: "nothing" | "first";
}

/** One of them, by the seed. */
export function pick<T>(random: () => number, all: readonly T[]): T | undefined {
  return all[Math.floor(random() * all.length)];
}

/** A change that is the same statements each time. `:a`, `:b` and `:hub` are the logs' owners. */
export function statements(kind: string, text: string, outside?: Attempt["outside"]): Attempt {
  return {
    kind,
    ...(outside === undefined ? {} : { outside }),
    tamper: async (logs) => (await logs.change(named(logs, text))) > 0,
  };
}

export function named({ a, b, hub }: Logs, text: string): string {
  const ids: Record<string, string> = { ":a": a.id, ":b": b.id, ":hub": hub.id };
  return text.replace(/:(?:a|b|hub)\b/g, (name) => `'${ids[name]}'`);
}
