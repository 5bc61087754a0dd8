import { parseArgs } from "node:util";

/** What a command line asks for. */
export interface Wanted {
  readonly help: boolean;
  readonly json: boolean;
  /** Of the harness. */
  readonly name: string;
  readonly milliseconds: number;
  readonly seed: number;
  /** How many broken builds; undefined for all. */
  readonly broken: number | undefined;
  /** For a run of a broken build: it may end once something like this is broken. */
  readonly until: RegExp | undefined;
}

/** Says in words what makes no sense, such as a dose in which nothing is tried. */
export function readWanted(argv: readonly string[]): Wanted | string {
  const given = parsed(argv);
  if (typeof given === "string") return given;
  const { values, positionals } = given;
  const [name = ""] = positionals;
  const milliseconds = millisecondsOf(values.for);
  const seed = /^-?\d+$/.test(values.seed) ? Number(values.seed) : Number.NaN;
  const { broken, "until-broken": until, help = false, json = false } = values;
  if (milliseconds === undefined) return `--for "${values.for}" is no time above 0, such as 90s, 30m or 2h`;
  if (!Number.isSafeInteger(seed)) return `--seed "${values.seed}" is no whole number`;
  if (broken !== undefined && !/^\d{1,9}$/.test(broken)) return `--broken "${broken}" is no number of builds`;
  return {
    ...{ help, json, name, milliseconds, seed },
    broken: broken === undefined ? undefined : Number(broken),
    until: until === undefined ? undefined : new RegExp(until),
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: "boolean" },
        json: { type: "boolean" },
        for: { type: "string", default: "20s" },
        seed: { type: "string", default: "1" },
        broken: { type: "string" },
        "until-broken": { type: "string" },
      },
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // an option that there is not, or one without its value
  }
}

/** Above 0. */
function millisecondsOf(text: string): number | undefined {
  const [, count, unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text) ?? [];
  const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 };
  return Number(count) > 0 ? Number(count) * (units[unit] ?? 1_000) : undefined;
}
