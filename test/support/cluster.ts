import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { attachEmbedded, migrateDatabase, serverOf } from "#database";

declare module "vitest" {
  interface ProvidedContext {
    /** A server whose role may create databases, as a URL without a database. */
    server: string;
  }
}

/** The database that tests copy theirs from: migrated once. */
export const TEMPLATE = "lethe_test_template";

/** One PostgreSQL for the whole run: the one of DATABASE_URL, or an embedded one in a temporary folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "lethe-test-"));
  chmodSync(folder, 0o711);
  const own = process.env.DATABASE_URL ? undefined : await attachEmbedded(folder);
  const server = process.env.DATABASE_URL ?? `postgres:///postgres?host=${folder}/postgres&user=postgres`;
  if (own !== undefined) await loseAtPowerCut(server);
  await makeTemplate(server);
  project.provide("server", server);
  return async () => {
    await own?.release();
    rmSync(folder, { recursive: true, force: true });
  };
}

/**
 * Nothing outlives the run, so nothing waits for the disk: half a second for each database that is made or dropped
 * (https://www.postgresql.org/docs/18/non-durability.html). A process that is killed loses nothing by it.
 */
async function loseAtPowerCut(server: string): Promise<void> {
  const { url = "", ...options } = serverOf(server);
  const sql = postgres(url, { ...options, max: 1 });
  for (const setting of ["fsync", "full_page_writes"]) await sql.unsafe(`alter system set ${setting} = off`);
  await sql`select pg_reload_conf()`;
  await sql.end();
}

export async function makeTemplate(server: string): Promise<void> {
  const { url = "", ...options } = serverOf(server);
  const sql = postgres(url, { ...options, max: 1, onnotice: () => {} });
  await sql.unsafe(`drop database if exists ${TEMPLATE} with (force)`);
  await sql.unsafe(`create database ${TEMPLATE}`);
  await sql.end();
  await migrateDatabase({ ...options, url, database: TEMPLATE });
}
