import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshDatabase } from "#test";
import { knownMigrations, migrateDatabase } from "./index.ts";

test("several processes that start at once migrate once", async () => {
  const db = await freshDatabase();
  await db.superuser((sql) => sql`drop schema lethe cascade`);
  await db.superuser((sql) => sql`drop schema lethe_migrations cascade`);
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(db.server)));
  expect(applied.sort()).toEqual([0, 0, 0, knownMigrations()]);
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
