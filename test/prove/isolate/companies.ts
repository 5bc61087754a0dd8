import { randomBytes, randomUUID } from "node:crypto";
import { appendEvents, startSequencer } from "#audit";
import {
  type ConnectOptions,
  type ControllerTransaction,
  type Database,
  ensureHubLogin,
  openDatabase,
} from "#database";
import type { ConnectionId, ControllerId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { openRights } from "#workflows";
import { freshRooms, type TestRooms } from "../../support/rooms.ts";

/** Two controllers with rows in every table, and the hub's database as the hub's own login reaches it. */
export interface Companies {
  readonly rooms: TestRooms;
  /** Through `lethe_hub`, which may become the hub's roles and nothing else. */
  readonly database: Database;
  /** How that login reaches it. */
  readonly server: ConnectOptions;
  readonly a: Company;
  readonly b: Company;
  readonly tables: readonly string[];
  /** What every table holds of a controller, as hashes: equal as long as nothing was changed. */
  digest(of: Company): Promise<string>;
  close(): Promise<void>;
}

export interface Company {
  readonly id: ControllerId;
  readonly keys: ControllerKeys;
  /** A row's id by table: `subject`, `delivery`, `rights_request`. */
  readonly ids: ReadonlyMap<string, string>;
  /** Texts that are in this controller's rows and in no other's: whatever shows one has shown a row. */
  readonly marks: readonly string[];
  /** A row of each table as JSON. */
  readonly rows: ReadonlyMap<string, string>;
}

/** It holds one row, of the hub. */
const WITHOUT = ["audit_sequencer"];

export async function openCompanies(server: string): Promise<Companies> {
  const rooms = await freshRooms(server);
  const { sql } = rooms;
  await ensureHubLogin(sql);
  const url = new URL(rooms.url);
  if (url.searchParams.has("user")) url.searchParams.set("user", "lethe_hub");
  else url.username = "lethe_hub";
  const hub = await openDatabase({ url: url.href, dataDir: "/nonexistent" });
  const columns = await sql<Column[]>`
    select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'lethe'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      and a.attidentity = '' and (a.attnotnull and d.oid is null or a.attname ~ '^(connection|subject|delivery)_id$')
    order by c.relname, a.attnum`;
  const tables = [...new Set(columns.map(({ table }) => table))].filter((table) => !WITHOUT.includes(table));
  const made = [await make(), await make()];
  await startSequencer({
    ...{ database: rooms.database, ring: rooms.ring, witness: async () => {} },
    onError: ({ code }) => {
      throw new Error(code);
    },
  }).stop();
  for (const { id, ids } of made) await fillAll(id, ids);
  const [a, b] = await Promise.all(made.map((one) => describe(one)));
  if (a === undefined || b === undefined) throw new Error("there are two");
  const own = (one: Company, other: Company) => one.marks.filter((mark) => !other.marks.includes(mark));
  return {
    ...{ rooms, database: hub.database, server: hub.server, tables, digest },
    a: { ...a, marks: own(a, b) },
    b: { ...b, marks: own(b, a) },
    close: async () => {
      await hub.close();
      await rooms.drop();
    },
  };

  async function make() {
    const id = await rooms.controller();
    const { id: connection } = await rooms.connection(id, "shopify");
    const keys = await rooms.ring.keys(id);
    const work = randomUUID();
    const request = await rooms.database.inController(id, async (tx) => {
      await appendEvents(tx, [
        { workflow: work, type: "test.happened", entity: `thing:${work}`, actor: "hub" },
      ]);
      return open(tx, keys, connection);
    });
    return {
      id,
      keys,
      ids: new Map([
        ["connection", connection as string],
        ["rights_request", request],
        ["audit_event", work],
      ]),
    };
  }

  /** In whatever order their foreign keys allow. */
  async function fillAll(id: ControllerId, ids: Map<string, string>): Promise<void> {
    let left = [...tables];
    while (left.length > 0) {
      const failed: string[] = [];
      let why: unknown;
      for (const table of left)
        await fill(table, id, ids).catch((error: unknown) => {
          failed.push(table);
          why = error;
        });
      if (failed.length === left.length) throw why;
      left = failed;
    }
  }

  /** A row for a table that has none of the controller yet. Ids of the same name are the same everywhere, so that rows join. */
  async function fill(table: string, id: ControllerId, ids: Map<string, string>): Promise<void> {
    const [there] = await sql`select from ${sql(table)} where controller_id = ${id}`;
    if (there !== undefined) return;
    const own = columns.filter((column) => column.table === table);
    const values = own.map((column) => madeFor(column, id, ids));
    await sql.unsafe(
      `insert into lethe.${table} (${own.map(({ name }) => `"${name}"`).join(", ")})
       select ${own.map(({ type }, i) => `$${i + 1}::text::${type}`).join(", ")}`,
      values,
    );
  }

  async function describe({ id, keys, ids }: Awaited<ReturnType<typeof make>>): Promise<Company> {
    const rows = new Map<string, string>();
    const marks = new Set<string>();
    for (const table of tables) {
      const found = await sql<{ row: string }[]>`
        select row_to_json(t)::text as row from ${sql(table)} t where controller_id = ${id}`;
      // Nothing shall pass for being empty.
      if (found[0] === undefined) throw new Error(`${table} is empty`);
      rows.set(table, found[0].row);
      for (const { row } of found)
        for (const [mark] of row.matchAll(/[\w+/:-]{16,}/g)) if (!/^20\d\d-/.test(mark)) marks.add(mark);
    }
    return { id, keys, ids, rows, marks: [...marks] };
  }

  async function digest({ id }: Company): Promise<string> {
    const parts = tables.map(
      (table) =>
        `(select md5(string_agg(t::text, '|' order by t::text)) from lethe.${table} t where controller_id = '${id}')`,
    );
    const [row] = await sql.unsafe<{ all: string }[]>(`select concat_ws(',', ${parts.join(", ")}) as all`);
    return row?.all ?? "";
  }
}

/** What somebody sees, as text: bytes as PostgreSQL writes them. */
export function textOf(seen: unknown): string {
  return (
    JSON.stringify(seen, (_, value) =>
      value instanceof Map
        ? [...value]
        : value?.type === "Buffer"
          ? Buffer.from(value.data).toString("hex")
          : value,
    ) ?? ""
  );
}

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

async function open(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connection: ConnectionId,
): Promise<string> {
  const { id } = await openRights(tx, keys, {
    ...{ source: "operator", actor: "operator", kind: "access", scope: "subject", regime: "gdpr" },
    ...{ subjectId: null, connectionId: connection, delivery: null, platformDays: null },
    receivedAt: new Date().toISOString(),
    details: { emails: ["jenny@example.com"], phones: [], platformIds: [], region: null, corrections: null },
  });
  return id;
}

/** Of which table's row a column holds the id. */
const REFERS: Readonly<Record<string, string>> = {
  connection_id: "connection",
  scope: "connection",
  request_id: "rights_request",
  task_id: "rights_task",
  run_id: "runtime_run",
  surviving_subject: "subject",
};

const TEXTS: Readonly<Record<string, string>> = {
  kind: "email",
  connector: "shopify",
  status: "open",
  state: "withdrawn",
  purpose: "email_marketing",
  nature: "choice",
  method: "by_phone",
  lawful_basis: "consent",
  ground: "legal_claims",
  notice: "received",
};

function madeFor({ table, name, type }: Column, id: ControllerId, ids: Map<string, string>): string {
  if (name === "controller_id") return id;
  if (type === "uuid") {
    const of = name === "id" ? table : (REFERS[name] ?? name.replace(/_id$/, ""));
    const known = ids.get(of) ?? randomUUID();
    ids.set(of, known);
    return known;
  }
  if (type === "text") return TEXTS[name] ?? `${name}-${randomUUID()}`;
  if (type === "bytea") return `\\x${randomBytes(32).toString("hex")}`;
  if (type === "jsonb") return name === "events" ? "[]" : `{"id": "${randomUUID()}"}`;
  if (type.endsWith("[]")) return "{}";
  if (type === "boolean") return "false";
  if (type.startsWith("timestamp")) return new Date().toISOString();
  if (type === "date") return new Date().toISOString().slice(0, 10);
  return "0";
}
