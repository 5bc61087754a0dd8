import { HUB_ROLES } from "#database";
import type { Dose, Harness } from "../harness.ts";
import { openAttempts } from "./attempts.ts";
import { type Companies, openCompanies } from "./companies.ts";
import { QUERIES } from "./rooms.ts";
import { PLAINEST, statements } from "./statements.ts";

/** Leaks after which there is no need to go on. */
const ENOUGH = 3;
/** Attempts that are made however little time there is. */
const LEAST = 600;

/** Asks for another controller's data in every way that the hub's rooms, sessions and roles have. */
export default {
  name: "isolate",
  promise: "Isolated: no room, session or role shows or changes another controller's rows.",
  brokenBuilds: [
    {
      what: "leaves its controller on the session",
      by: /a transaction without a controller sees somebody's rows/,
      seconds: 1,
      changes: [
        {
          file: "src/database/database.ts",
          at: "controllerId}, true)`",
          instead: "controllerId}, false)`",
        },
      ],
    },
    {
      what: "has a table whose policy lets everything through",
      by: /the next transaction sees others' rows/,
      seconds: 1,
      changes: [
        migrated(
          "alter policy controller_isolation_lethe_app on lethe.legal_hold using (true) with check (true)",
        ),
      ],
    },
    {
      what: "has a key that is unique across controllers",
      by: /on rights_task, insert of the other's keys as its own: tells of a row/,
      seconds: 1,
      changes: [migrated("create unique index across on lethe.rights_task (id)")],
    },
    {
      what: "lets its door read records",
      by: /lethe_intake sees rows with a forged scope|without a controller sees somebody's rows/,
      seconds: 1,
      changes: [
        migrated(
          "grant select on lethe.subject to lethe_intake; create policy open on lethe.subject to lethe_intake using (true)",
        ),
      ],
    },
  ],
  tried: ["attempts", "tables", "queries of rooms", "that find their own"],
  run: async (dose) => {
    const total = { rounds: 0, attempts: 0, refused: 0 };
    for (;;) {
      // Each round has two controllers of its own, and asks in another order.
      const { made, refused, leaks, ...found } = await round(dose);
      total.rounds += 1;
      total.attempts += made;
      total.refused += refused;
      if (!dose.over() && leaks.length === 0) continue;
      return {
        figures: {
          ...{ rounds: total.rounds, attempts: total.attempts, "refused by the database": total.refused },
          ...{ ...found.figures, leaks: leaks.length },
        },
        broken: leaks.map((leak) => `seed ${dose.seed}, round ${total.rounds}: ${leak}`),
      };
    }
  },
} satisfies Harness;

async function round(dose: Dose) {
  const companies = await openCompanies(await dose.server());
  try {
    return await isolateIn(companies, dose);
  } finally {
    await companies.close();
  }
}

/** One more statement at the end of the migrations, by their owner. */
function migrated(statement: string) {
  return {
    file: "src/database/migrate.ts",
    at: "  if (before === known) return 0;",
    instead: `  if (before === known) return sql.unsafe(${JSON.stringify(statement)}).then(() => 0, () => 0);`,
  };
}

async function isolateIn(companies: Companies, dose: Dose) {
  const attempts = await openAttempts(companies);
  const { a, b, tables } = companies;
  const enough = () => attempts.leaks.length >= ENOUGH || dose.foundOut(attempts.leaks);
  const before = await companies.digest(b);
  await attempts.pools();
  await attempts.rooms(a, b);
  if ((await companies.digest(b)) !== before) attempts.leaked("a query of a room changed the other's rows");
  if (!enough()) await attempts.scopes();
  if (!enough()) await attempts.roles();
  const all = statements(companies, HUB_ROLES, b);
  // What is plainest for every role and table; and then as much as there is time for, in the seed's order.
  const order = [...all.filter(({ what }) => PLAINEST.includes(what)), ...shuffled(all, dose.random)];
  for (const one of order) {
    if (enough() || (dose.over() && attempts.count.made > LEAST)) break;
    await attempts.statement(one);
    if (attempts.count.made % 100 === 0) dose.progress(`${attempts.count.made} attempts`);
  }
  if ((await companies.digest(b)) !== before) attempts.leaked("the other's rows are not what they were");
  const { made, refused, own } = attempts.count;
  if (own < 20) attempts.leaked(`only ${own} queries find the controller's own: they show nothing`);
  return {
    ...{ made, refused, leaks: attempts.leaks },
    figures: {
      ...{ tables: tables.length, roles: HUB_ROLES.length },
      ...{ "queries of rooms": Object.keys(QUERIES).length, "that find their own": own },
      "statements there are": all.length,
    },
  };
}

/** Fisher and Yates. */
function shuffled<T>(all: readonly T[], random: () => number): T[] {
  const copy = [...all];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}
