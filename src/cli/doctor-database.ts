import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { compareMigrations, findPolicyFaults, withSession } from "#database";
import type { Rooms } from "#hub";
import type { Checks } from "./doctor-check.ts";

const FREE_SPACE = 1024 ** 3;

export const DATABASE_CHECKS = {
  async database({ database, embedded }) {
    const [row] = await database.acrossControllers(
      "lethe_intake",
      ({ sql }) => sql<{ version: string }[]>`select current_setting('server_version') as version`,
    );
    return { ok: true, detail: `PostgreSQL ${row?.version}${embedded ? ", embedded" : ""}` };
  },
  async migrations({ server }) {
    const { known, applied, missing, foreign } = await compareMigrations(server);
    return {
      ok: missing.length === 0 && foreign === 0,
      detail: [
        `${known - missing.length} of ${known} applied`,
        ...(missing.length === 0 ? [] : [`not, or with another text: number ${missing.join(", ")}`]),
        ...(foreign === 0 ? [] : [`${foreign} of ${applied} are none of this version`]),
      ].join("; "),
      advice:
        "run the version that migrated this database, or restore a backup that fits this one; `lethe migrate` applies what is missing",
    };
  },
  async policies({ server }) {
    const faults = await withSession(server, findPolicyFaults);
    return {
      ok: faults.length === 0,
      detail:
        faults.map(({ object, fault }) => `${object}: ${fault}`).join("; ") ||
        "row-level security holds on every table",
      advice:
        "`lethe processing stop --reason incident`; find out who changed the schema, and undo it as its owner",
    };
  },
  async clock({ database }) {
    const [row] = await database.acrossControllers(
      "lethe_intake",
      ({ sql }) => sql<{ ms: string }[]>`select extract(epoch from clock_timestamp()) * 1000 as ms`,
    );
    const skew = Math.abs(Date.now() - Number(row?.ms));
    return {
      ok: skew < 5_000,
      detail: `${Math.round(skew)} ms from the database's; signatures allow 300 s`,
      advice:
        "synchronise the clocks of both machines (NTP): webhooks are refused, and deadlines missed, by a wrong one",
    };
  },
  async disk(rooms) {
    const volumes = await volumesOf(rooms);
    // As the login itself: its roles need not have the right to connect.
    const [row] = await withSession(
      rooms.server,
      (sql) => sql<{ size: string }[]>`select pg_size_pretty(pg_database_size(current_database())) as size`,
    );
    return {
      ok: volumes.every(({ free }) => free > FREE_SPACE),
      detail: [
        ...volumes.map(({ path, free }) => `${(free / 1024 ** 3).toFixed(1)} GiB free at ${path}`),
        `the database has ${row?.size}${volumes.some(({ database }) => database) ? "" : "; its volume cannot be seen from here"}`,
      ].join("; "),
      advice: "make room: without any, webhooks are answered 503 and platforms stop sending",
    };
  },
} satisfies Checks;

interface Volume {
  readonly path: string;
  readonly free: number;
  readonly database: boolean;
}

/** The data directory's volume, and the database's where this login may ask where it lies and it lies here. */
async function volumesOf({ config, embedded, server }: Rooms): Promise<Volume[]> {
  const own = { path: config.dataDir, database: embedded };
  const told = embedded ? undefined : await withSession(server, directoryOf).catch(() => undefined);
  const paths = [own, ...(told === undefined ? [] : [{ path: told, database: true }])];
  const found = paths.filter(({ path }) => existsSync(path));
  return Promise.all(
    found.map(async (volume) => {
      const { bavail, bsize } = await statfs(volume.path);
      return { ...volume, free: bavail * bsize };
    }),
  );
}

/** Only over a Unix socket is the server's path one of this machine. Superusers and `pg_read_all_settings` may ask. */
async function directoryOf(
  sql: Parameters<Parameters<typeof withSession>[1]>[0],
): Promise<string | undefined> {
  const [row] = await sql<{ path: string; here: boolean }[]>`
    select current_setting('data_directory') as path, inet_server_addr() is null as here`;
  return row?.here === true ? row.path : undefined;
}
