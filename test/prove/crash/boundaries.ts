import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Change } from "../changed-build.ts";

/** A named place of the product where a hub kills itself. */
export interface Boundary {
  readonly name: string;
  /** From and to: at which passage it is killed, or after how many milliseconds. */
  readonly passages: readonly [number, number];
  /** The build that is killed at the n-th passage. */
  changes(passage: number): readonly Change[];
}

/** SIGKILL of the process that comes by for the n-th time. */
const killAt = (passage: number) =>
  `((globalThis.provePassages = (globalThis.provePassages ?? 0) + 1) === ${passage} && process.kill(process.pid, "SIGKILL"))`;

/** A place at whose text the process is killed: before it, or with `$` standing for the kill. */
function place(
  name: string,
  passages: readonly [number, number],
  file: string,
  at: string,
  instead = `$;\n${at}`,
): Boundary {
  const [before = "", after = ""] = instead.split("$");
  return {
    name,
    passages,
    changes: (passage) => [{ file, at, instead: `${before}${killAt(passage)}${after}` }],
  };
}

/** Requests that come by before the kill: enough for others to be on their way, and for the runtime to have begun. */
const REQUESTS = [20, 120] as const;
/** Commits, runs and transactions: a hub that has just started has a few of them at once. */
const TURNS = [1, 4] as const;

/** The one that finds out the most comes first, in every run. */
export const BOUNDARIES: readonly Boundary[] = [
  place(
    "between effects and completion",
    TURNS,
    "src/workflows/process-delivery.ts",
    "recordDeliveries(tx, keys, rooms.connectors, left, fetched),\n    );",
    "recordDeliveries(tx, keys, rooms.connectors, left, fetched),\n    );\n    $;",
  ),
  place("after the seal", REQUESTS, "src/intake/door.ts", "inHand += 1;"),
  place(
    "after verification",
    REQUESTS,
    "src/intake/door.ts",
    'if (received.kind === "delivery") return',
    'if (received.kind === "delivery" && ($ || true)) return',
  ),
  place("after the commit", [3, 30], "src/intake/inbox.ts", "for (const { delivery, resolve } of batch)"),
  place(
    "after the claim",
    TURNS,
    "src/runtime/embedded/index.ts",
    "working.set(item.id, item);",
    'if (item.functionId.endsWith("process-delivery")) $;\nworking.set(item.id, item);',
  ),
  place(
    "in the shred",
    TURNS,
    "src/workflows/process-delivery.ts",
    "const shredded = await shredPayloads(tx, ids);",
    "const shredded = await shredPayloads(tx, ids);\n$;",
  ),
  place(
    "before a run's end",
    TURNS,
    "src/runtime/embedded/runs.ts",
    'const announcement = end.status === "failed"',
  ),
  place(
    "in the sequencer",
    TURNS,
    "src/audit/sequence.ts",
    "await addLeaves(tx, rows);\n  await tx.sql`update audit_sequencer",
    "await addLeaves(tx, rows);\n  $;\n  await tx.sql`update audit_sequencer",
  ),
  place(
    "between checkpoint and witness",
    [1, 2],
    "src/audit/checkpoint.ts",
    "if (log.controllerId === HUB) await witness(note);",
    "if (log.controllerId === HUB) {\n$;\nawait witness(note);\n}",
  ),
  {
    name: "while it starts",
    passages: [100, 1_500],
    changes: (milliseconds) => [
      {
        file: "src/main.ts",
        at: "const { runCommand }",
        instead: `setTimeout(() => process.kill(process.pid, "SIGKILL"), ${milliseconds});\nconst { runCommand }`,
      },
    ],
  },
];

const MIGRATIONS = fileURLToPath(new URL("../../../src/database/migrations", import.meta.url));

/** Of a hub that starts on an empty database: before one of the statements that make the tables, or after their commit. */
export const MIGRATING: readonly [Boundary, Boundary] = [
  place(
    "in a migration",
    [1, statementsIn(MIGRATIONS)],
    "src/database/migrate.ts",
    "drizzle(sql)",
    "drizzle(sql, { logger: { logQuery: () => void $ } })",
  ),
  place(
    "after the migrations",
    [1, 1],
    "src/database/migrate.ts",
    "migrationsTable: TABLE,\n  });",
    "migrationsTable: TABLE,\n  });\n$;",
  ),
];

function statementsIn(folder: string): number {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8"));
  return texts.reduce((sum, text) => sum + text.split("--> statement-breakpoint").length, 0);
}
