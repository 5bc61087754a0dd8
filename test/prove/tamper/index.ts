import type { Dose, Harness, Outcome } from "../harness.ts";
import { type Attempt, pick } from "./attempt.ts";
import { BY_DESIGN, REFUSED } from "./by-design.ts";
import { columnChanges } from "./columns.ts";
import { openExported } from "./exported.ts";
import { bitsOf, FILE, type FileChange, flipped } from "./file.ts";
import { FORGERIES } from "./forgeries.ts";
import { type Logs, openLogs } from "./logs.ts";
import { ROLLED_BACK, ROWS, UNSEALED } from "./rows.ts";
import { openTally } from "./tally.ts";

/** Places at which a change is tried until it can be made: some are next to nothing, such as an id that is free. */
const TRIES = 60;

/** Changes a sealed log, and an exported one, in every way that there is, and looks whether verification finds it. */
export default {
  name: "tamper",
  promise:
    "Provable: every change of a sealed log is found, and of an exported one with a key and the file alone.",
  brokenBuilds: [
    {
      what: "takes a leaf's word for its entry",
      by: /not found: audit_leaf\.leaf /,
      seconds: 1,
      changes: [
        { file: "src/audit/walk.ts", at: "row?.fit === true ? row : undefined", instead: "undefined" },
        { file: "src/audit/walk.ts", at: "!same(leaf, row.leaf)\n", instead: "false\n" },
      ],
    },
    {
      what: "does not compare leaves where it reads many events at once",
      by: /not found: two events in each other's place/,
      seconds: 1,
      changes: [{ file: "src/audit/walk.ts", at: "sha256('\\\\x00' || e.entry) = l.leaf and ", instead: "" }],
    },
    {
      what: "takes a checkpoint's signature on trust",
      by: /not found: a character of each checkpoint's signature/,
      seconds: 1,
      changes: [
        { file: "src/audit/note.ts", at: "return signed ? {", instead: "return signed !== null ? {" },
      ],
    },
    {
      what: "verifies a file without its signatures",
      by: /not found: file: a character of each checkpoint's signature/,
      seconds: 1,
      changes: [
        {
          file: "src/audit/offline-verifier.mjs",
          at: "if (key !== undefined && verify(",
          instead: "if (key !== undefined || verify(",
        },
      ],
    },
    {
      what: "does not compare with what is held outside",
      by: /not found: .*(?:of the hub|the hub's last checkpoint|all rewritten)/,
      seconds: 1,
      changes: [
        {
          file: "src/audit/verify-all.ts",
          at: "...(witnessed === undefined ? []",
          instead: "...(witnessed !== null ? []",
        },
      ],
    },
    {
      what: "looks at no tile",
      by: /not found: (?:audit_tile|a tile)/,
      seconds: 1,
      changes: [
        {
          file: "src/audit/verify.ts",
          at: "await checkTiles(read, tree.tiles, extent.tiles, found);",
          instead: "",
        },
      ],
    },
    {
      what: "does not ask the hub's log for a controller's checkpoints",
      by: /not found: (?:audit_checkpoint\.controller_id|a whole log|a log's checkpoints)/,
      seconds: 1,
      changes: [
        {
          file: "src/audit/verify-all.ts",
          at: "if (!own.has(one) && ",
          instead: "if (own === undefined && ",
        },
      ],
    },
  ],
  tried: ["changes", "kinds", "undetected by design (kinds)"],
  run: async (dose) => {
    const logs = await openLogs(await dose.server());
    try {
      return await tamperWith(logs, dose);
    } finally {
      await logs.close();
    }
  },
} satisfies Harness;

async function tamperWith(logs: Logs, dose: Dose): Promise<Outcome> {
  const exported = await openExported(logs);
  const tally = openTally(dose, BY_DESIGN, REFUSED);
  try {
    await looksClean("at first");
    const columns = await columnChanges(logs);
    const attempts = [...columns, ...ROWS, ...FORGERIES, ...UNSEALED, ...ROLLED_BACK];
    const bits = new Set<number>();
    for (const attempt of attempts) await attemptOn(attempt);
    for (const change of FILE) await attemptOnFile(change);
    await attemptOnFile(flipped(exported, exported.text.indexOf('"keys":') * 8 + 100));
    if (!tally.enough()) tally.looksComplete();
    while (!dose.over() && !tally.enough()) {
      // What is the same each time was tried above; what the seed places comes again elsewhere.
      const attempt = pick(dose.random, [...columns, ...ROWS, ...FORGERIES]);
      if (attempt !== undefined) await attemptOn(attempt);
      const bit = Math.floor(dose.random() * bitsOf(exported));
      bits.add(bit);
      await attemptOnFile(flipped(exported, bit));
      dose.progress(`${tally.changes()} changes`);
    }
    await looksClean("in the end");
    return tally.outcome({ "bits of a file": bits.size, "of bits": bitsOf(exported) });
  } finally {
    exported.close();
  }

  async function attemptOn(attempt: Attempt): Promise<void> {
    if (tally.enough()) return;
    // Where it is made chance decides, and there may be nothing there to change so.
    let made = await attempt.tamper(logs, dose.random);
    for (let tries = REFUSED.includes(attempt.kind) ? TRIES : 1; !made && tries < TRIES; tries++)
      made = await attempt.tamper(logs, dose.random);
    const found = made && (await isFound(attempt));
    await logs.restore();
    tally.add(attempt.kind, made, found);
  }

  async function isFound({ kind, outside }: Attempt): Promise<boolean> {
    try {
      return (await logs.faults(OUTSIDE[outside ?? "newest"](logs))).length > 0;
    } catch (error) {
      tally.broke(`change ${tally.changes()} lets verification fail (${String(error)}): ${kind}`);
      return true;
    }
  }

  async function attemptOnFile({ kind, place, change, trust }: FileChange): Promise<void> {
    if (tally.enough()) return;
    const { header, kept } = exported;
    const trusted = trust?.(exported) ?? { key: header.keys[0], hubKey: header.hubKeys[0], checkpoint: kept };
    tally.add(kind, true, !(await exported.holds(change(exported, dose.random), trusted)), place);
  }

  async function looksClean(when: string): Promise<void> {
    const faults = await logs.faults(logs.outside.newest);
    const { header, kept, text } = exported;
    const trusted = { key: header.keys[0], hubKey: header.hubKeys[0], checkpoint: kept };
    if (faults.length > 0) tally.broke(`${when} nothing is changed, and it finds ${faults.join(", ")}`);
    if (!(await exported.holds(text, trusted))) tally.broke(`${when} the exported file does not hold`);
  }
}

const OUTSIDE = {
  newest: ({ outside }: Logs) => outside.newest,
  first: ({ outside }: Logs) => outside.first,
  nothing: () => undefined,
};
