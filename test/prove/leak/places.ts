import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ReceivedMail } from "../../support/mailbox.ts";
import { inPostgres } from "../../support/search.ts";
import type { HandedOver } from "./rights.ts";
import type { World } from "./world.ts";

/** Bytes by where they are. What begins with the same word is of one kind. */
export type Places = Map<string, Uint8Array>;

/** What was said so far: cheap to look at while a round is under way. */
export function said(world: World): Places {
  return new Map([
    ["log of the hub", Buffer.from(world.hub.output())],
    ["output of commands", Buffer.from(world.lethe.printed.join("\n"))],
    ["answers", Buffer.from(world.answered.join("\n"))],
  ]);
}

/**
 * Everything that hub, database and commands wrote or said, and nothing of what they have in memory: data directory with WAL, every
 * table as text, temporary files, what they have open though it is deleted, logs, answers, metrics, traces, messages, files that were handed
 * over.
 */
export async function placesOf(world: World, { files }: HandedOver): Promise<Places> {
  const { folders, mailbox, traces, ask } = world;
  const { text: metrics } = await ask("/metrics");
  const tables = await tablesOf(world);
  // What PostgreSQL still holds in memory is written first.
  await inPostgres(folders.data, (sql) => sql`checkpoint`);
  for (const told of ["step record", "transaction", "request"])
    if (!traces.received().includes(told)) throw new Error(`the collector was told of no ${told}`);
  return new Map([
    ...said(world),
    ["metrics", Buffer.from(metrics)],
    ["traces", Buffer.from(traces.received())],
    ...tables,
    ...filesIn("data", folders.data),
    ...filesIn("temporary", folders.temporary),
    ...filesIn("current", folders.current),
    ...filesIn("home", folders.home),
    ...openFilesOf(world),
    ...mailbox.messages.map(saidIn),
    ...files,
  ]);
}

/** Every row of every table as text; bytes as they are, where they are letters. */
function tablesOf({ folders }: World): Promise<Places> {
  return inPostgres(folders.data, async (sql) => {
    await sql`set bytea_output = 'escape'`;
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`;
    const places: Places = new Map();
    for (const { name } of tables) {
      const rows = await sql.unsafe<{ row: string }[]>(`select row_to_json(t)::text as row from ${name} t`);
      places.set(`table ${name}`, Buffer.from(rows.map(({ row }) => row).join("\n")));
    }
    return places;
  });
}

function filesIn(kind: string, folder: string): Places {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true,
  );
  // Their names, too: one may be a person's.
  const names: [string, Uint8Array] = [`${kind}: names of files`, Buffer.from(paths.join("\n"))];
  return new Map([names, ...paths.map((name) => [`${kind}: ${name}`, read(join(folder, name))] as const)]);
}

/** What hub and database have open that no folder lists any more, or that is in none of theirs. Where there is no `/proc`: nothing. */
function openFilesOf({ hub, folders }: World): Places {
  const places: Places = new Map();
  if (!existsSync("/proc/self/fd")) return places;
  const postmaster = Number(
    readFileSync(join(folders.data, "postgres/postmaster.pid"), "utf8").split("\n")[0],
  );
  for (const pid of [process.pid, hub.pid, ...childrenOf(hub.pid), postmaster, ...childrenOf(postmaster)])
    for (const fd of listOf(`/proc/${pid}/fd`)) {
      const path = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? "";
      const isElsewhere = path.endsWith(" (deleted)") || !path.startsWith(join(folders.data, ".."));
      if (!/^\/(?!dev|proc|sys|memfd)/.test(path) || path.includes("/node_modules/") || !isElsewhere)
        continue;
      const stat = attempt(() => statSync(`/proc/${pid}/fd/${fd}`));
      if (stat?.isFile() === true) places.set(`open: ${path} of ${pid}`, read(`/proc/${pid}/fd/${fd}`));
    }
  return places;
}

const childrenOf = (pid: number): number[] =>
  (attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")) ?? "")
    .split(" ")
    .filter(Boolean)
    .map(Number);
const listOf = (folder: string) => attempt(() => readdirSync(folder)) ?? [];
/** PostgreSQL takes files away while we look. */
const read = (path: string): Uint8Array => attempt(() => readFileSync(path)) ?? new Uint8Array();

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** A message without its address: that it is for somebody must show there and nowhere else; and without its link and code. */
function saidIn({ raw, subject, text, html, to }: ReceivedMail, index: number): [string, Uint8Array] {
  const keys = [...`${text}\n${html}`.matchAll(/\/rights\/(?:verify|download)\/([\w.~-]+)|^ {4}(\d{8})$/gm)];
  const headers = raw.slice(0, raw.indexOf("\r\n\r\n")).replace(/^To: .*\r\n(?:[ \t].*\r\n)*/m, "");
  const elsewhere = keys.reduce(
    (left, [, link = "", code = ""]) => left.replaceAll(link || code, ""),
    [headers, subject, text, html].join("\n"),
  );
  return [`message ${index} of ${to.length}`, Buffer.from(elsewhere)];
}
