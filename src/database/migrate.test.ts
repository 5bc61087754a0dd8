import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshDatabase, runLethe } from "#test";
import { changedBuild } from "../../test/prove/changed-build.ts";
import { attachEmbedded, knownMigrations, migrateDatabase, openDatabase, withSession } from "./index.ts";

test("several processes that start at once migrate once", async () => {
  const db = await freshDatabase();
  await db.superuser((sql) => sql`drop schema lethe cascade`);
  await db.superuser((sql) => sql`drop schema lethe_migrations cascade`);
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(db.server)));
  expect(applied.sort()).toEqual([0, 0, 0, knownMigrations()]);
  await db.drop();
});

test("a migration that is killed after its commit has left nothing undone", async () => {
  const db = await freshDatabase();
  await db.superuser((sql) => sql`drop schema lethe cascade`);
  await db.superuser((sql) => sql`drop schema lethe_migrations cascade`);
  const killed = changedBuild([
    {
      file: "src/database/migrate.ts",
      at: "migrationsTable: TABLE,\n  });",
      instead: 'migrationsTable: TABLE,\n  });\nprocess.kill(process.pid, "SIGKILL");',
    },
  ]);
  expect((await runLethe(["migrate"], { DATABASE_URL: db.url, ...killed })).code).toBe(null);
  expect(await migrateDatabase(db.server)).toBe(0);
  // The hub's login may not migrate, and so must be able to see that.
  const [hub] = await db.superuser(
    (sql) => sql`select has_schema_privilege('lethe_app', 'lethe_migrations', 'usage')
      and has_table_privilege('lethe_app', 'lethe_migrations.applied', 'select') as sees`,
  );
  expect(hub?.sees).toBe(true);
  await db.drop();
});

test("a database from a newer version is left alone", async () => {
  const db = await freshDatabase();
  await db.superuser(
    (sql) => sql`insert into lethe_migrations.applied (hash, created_at) values ('later', 9999999999999)`,
  );
  await expect(migrateDatabase(db.server)).rejects.toMatchObject({ code: "database/newer-schema" });
  await db.drop();
});

// What a managed PostgreSQL gives: a login that may make roles and databases, and is no superuser.
test("a login that is no superuser can own the database, and the hub run with it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lethe-managed-"));
  chmodSync(folder, 0o711);
  const server = await attachEmbedded(folder);
  try {
    const logins = "local all postgres peer map=hub\nlocal all all trust\n";
    writeFileSync(join(folder, "postgres/pg_hba.conf"), logins);
    await withSession(server.connect("postgres", "postgres"), async (sql) => {
      await sql`select pg_reload_conf()`;
      await sql`create role admin login createrole`;
      await sql`create database managed owner admin`;
    });
    const url = `postgres:///managed?host=${folder}/postgres&user=admin`;
    const opened = await openDatabase({ url, dataDir: folder });
    await opened.close();
    expect(opened.migrated).toBe(knownMigrations());
  } finally {
    await server.release();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the migrations make exactly the tables that the code declares", () => {
  const folder = mkdtempSync(join(tmpdir(), "lethe-drift-"));
  try {
    cpSync("src/database/migrations", folder, { recursive: true });
    const before = readdirSync(folder);
    execFileSync(
      "node_modules/.bin/drizzle-kit",
      [
        "generate",
        "--dialect",
        "postgresql",
        "--schema",
        "src/database/tables/index.ts",
        "--out",
        folder,
        "--name",
        "drift",
      ],
      { stdio: "pipe" },
    );
    expect(readdirSync(folder)).toEqual(before);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
