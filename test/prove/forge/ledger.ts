import { setTimeout as sleep } from "node:timers/promises";
import type { HubProcess } from "../../support/hub-process.ts";
import type { Site } from "./site.ts";

/** Milliseconds in which what was accepted must be settled. */
const PATIENCE = 60_000;

/**
 * Compares what the hub holds with what it said: a delivery is in the inbox if, and only if, it was answered as accepted; each comes
 * to an end; and of what cannot be read nothing is recorded.
 */
export async function settled(
  { rooms, hub }: Site,
  accepted: ReadonlySet<string>,
  mustFail: ReadonlySet<string>,
): Promise<string[]> {
  const deliveries = () => rooms.sql<{ id: string; status: string }[]>`select id, status from delivery`;
  let rows = await deliveries();
  for (const began = performance.now(); performance.now() - began < PATIENCE; rows = await deliveries()) {
    if (rows.every(({ status }) => status !== "received")) break;
    await sleep(100);
  }
  const faults: string[] = [];
  const held = new Map(rows.map(({ id, status }) => [id, status]));
  const count = (what: string, ids: readonly string[]) => {
    if (ids.length > 0) faults.push(`${ids.length} ${what}, such as ${ids[0]}`);
  };
  count(
    "deliveries that nobody was told were accepted",
    [...held.keys()].filter((id) => !accepted.has(id)),
  );
  count(
    "accepted deliveries are lost",
    [...accepted].filter((id) => !held.has(id)),
  );
  count(
    "deliveries do not come to an end",
    [...held].filter(([, status]) => status === "received").map(([id]) => id),
  );
  count(
    "deliveries that nobody can read did not fail",
    [...mustFail].filter((id) => held.has(id) && held.get(id) !== "failed"),
  );
  count("records of what a prototype's name brought", await polluted(rooms));
  const doubled = await rooms.sql<{ id: string }[]>`
    select delivery_id as id from (
      select delivery_id, ordinal from processing_activity group by 1, 2 having count(*) > 1) as twice`;
  count(
    "effects happened twice",
    doubled.map(({ id }) => id),
  );
  const [failed] = errorsOf(hub).filter((text) => text.startsWith("a request failed"));
  if (failed !== undefined) faults.push(failed);
  return faults;
}

/** Tables whose rows hold something of what a payload says. */
const RECORDS = [
  "subject",
  "identifier",
  "processing_activity",
  "consent_record",
  "rights_request",
  "delivery",
  "delivery_event",
];

async function polluted(rooms: Site["rooms"]): Promise<string[]> {
  const found = await Promise.all(
    RECORDS.map(
      (table) => rooms.sql<{ id: string }[]>`
        select ${table} as id from ${rooms.sql(table)} as t where row_to_json(t)::text ilike '%polluted%' limit 1`,
    ),
  );
  return found.flat().map(({ id }) => id);
}

/** What the hub's log calls an error. One of a run is tried again, and shows above if that did not help. */
export function errorsOf({ output }: Pick<HubProcess, "output">): string[] {
  return output()
    .split("\n")
    .filter((line) => /"level":"(error|fatal)"/.test(line))
    .map(named);
}

/** Of a line of the log what is in the code, not in a request: the error's code, and what failed. */
function named(line: string): string {
  const [, code] = /"code":"([^"]+)"/.exec(line) ?? [];
  const [, where] = /"where":"([^"]+)"/.exec(line) ?? [];
  const [, what] = /"msg":"([^"]+)"/.exec(line) ?? [];
  return [what, code, where].filter((part) => part !== undefined).join(", ");
}
