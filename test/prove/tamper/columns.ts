import { type Attempt, pick } from "./attempt.ts";
import { type Logs, TABLES } from "./logs.ts";

/** Every column of every audit table, changed in every way that its type has, in a row that the seed chooses. */
export async function columnChanges(logs: Logs): Promise<Attempt[]> {
  const columns = await logs.rooms.sql<{ table: string; column: string; type: string; nullable: boolean }[]>`
    select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type, not a.attnotnull as nullable
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'lethe'::regnamespace and c.relname = any(${TABLES}) and a.attnum > 0 and not a.attisdropped
    order by 1, a.attnum`;
  const types = new Set(columns.map(({ type }) => type).filter((type) => WAYS[type] === undefined));
  if (types.size > 0) throw new Error(`no way is known to change a column of type ${[...types].join(", ")}`);
  return columns.flatMap(({ table, column, type, nullable }) =>
    Object.entries({ ...WAYS[type], ...(nullable ? NOTHING : {}) }).map(([how, way]) => ({
      kind: KNOWN[`${table}.${column} ${how}`] ?? KNOWN[`${table}.${column}`] ?? `${table}.${column} ${how}`,
      tamper: (logs, random) => changeOne(logs, table, column, (value) => way(value, random, logs), random),
    })),
  );
}

type Way = (value: string, random: () => number, logs: Logs) => string;

const NOTHING: Record<string, Way> = { "to nothing": () => "null" };

/** SQL expressions of another value, by type. `value` is how the old one is written in SQL. */
const WAYS: Record<string, Record<string, Way>> = {
  bytea: {
    "by a bit": bit,
    "shortened by a byte": (value) => `substring(${value} for length(${value}) - 1)`,
    "longer by a byte": (value) => `${value} || '\\x00'::bytea`,
    "made empty": () => "''::bytea",
  },
  text: {
    "by a bit": (value, random) => `convert_from(${bit(`convert_to(${value}, 'UTF8')`, random)}, 'UTF8')`,
    "longer by a character": (value) => `${value} || ' '`,
    "made empty": () => "''",
  },
  integer: { "one more": (value) => `${value} + 1`, "one less": (value) => `${value} - 1`, "far off": far },
  bigint: { "one more": (value) => `${value} + 1`, "one less": (value) => `${value} - 1`, "far off": far },
  xid8: {
    "one more": (value) => `(${value}::text::bigint + 1)::text::xid8`,
    "one less": (value) => `greatest(${value}::text::bigint - 1, 0)::text::xid8`,
    "far off": (value) => `(${value}::text::bigint + 1000000)::text::xid8`,
  },
  uuid: {
    "to another": () => "gen_random_uuid()",
    "to the other controller's": (_, random, { a, b, hub }) => `'${pick(random, [a, b, hub])?.id}'::uuid`,
  },
  "timestamp with time zone": { later: (value) => `${value} + interval '1 second'` },
};

function bit(value: string, random: () => number): string {
  const place = `(floor(${random()} * length(${value}) * 8))::bigint`;
  return `set_bit(${value}, ${place}, 1 - get_bit(${value}, ${place}))`;
}

function far(value: string): string {
  return `${value} + 1000000`;
}

/** Where what a change means is not plain from its column. */
const KNOWN: Readonly<Record<string, string>> = {
  "audit_log.checkpointed": "how much of a log is signed",
  "audit_log.checkpointed_at": "when a log was signed last",
  "audit_checkpoint.id": "checkpoints in another order",
  "audit_sequencer.controller_id": "the sequencer's row under another id",
  "audit_sequencer.cluster": "which cluster the sequencer knows",
  "audit_sequencer.epoch": "the sequencer's epoch",
  "audit_sequencer.watermark_xid one less": "the sequencer's watermark set back",
  "audit_sequencer.watermark_xid one more": "the sequencer's watermark moved past no event",
  "audit_sequencer.watermark_id": "the sequencer's watermark moved past no event",
  "audit_sequencer.floor_id one more": "the sequencer's watermark moved past no event",
  "audit_sequencer.floor_id one less": "the sequencer's watermark set back",
};

/** Events that have their place: what happens to others is told apart (`unsealed.ts`). */
const SEALED =
  "exists (select from lethe.audit_leaf l where l.controller_id = t.controller_id and l.event_id = t.id)";

async function changeOne(
  logs: Logs,
  table: string,
  column: string,
  expression: (value: string) => string,
  random: () => number,
): Promise<boolean> {
  const where = table === "audit_event" ? SEALED : "true";
  // That an older checkpoint of the hub went to nobody is that it was taken out (`by-design.ts`).
  const all = `${table}.${column}` === "audit_checkpoint.controller_id" ? [] : [logs.hub];
  const owner = pick(random, [logs.a, logs.b, ...all]);
  const rows = await logs.rooms.sql.unsafe<{ place: string }[]>(
    `select ctid::text as place from lethe.${table} t where ${where} and (controller_id = '${owner?.id}' or '${table}' in ('audit_tile', 'audit_sequencer'))`,
  );
  const row = pick(random, rows);
  if (row === undefined) return false;
  const value = `"${column}"`;
  const other = expression(value);
  return logs
    .change(
      `update lethe.${table} t set "${column}" = ${other} where ctid = '${row.place}' and ${other} is distinct from ${value}`,
    )
    .then(
      (rows) => rows > 0,
      () => false,
    );
}
