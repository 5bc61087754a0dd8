import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabase, runLethe, type TestDatabase } from "#test";

describe("lethe keys rotate", () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    database = await freshDatabase();
    folder = mkdtempSync(join(tmpdir(), "lethe-keys-"));
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const lethe = (...args: string[]) =>
    runLethe([...args, "--json"], { DATABASE_URL: database.url, LETHE_DATA_DIR: folder });
  const versions = () =>
    [...readFileSync(join(folder, "master.key"), "utf8").matchAll(/^\d+/gm)].map(([version]) => +version);
  const recorded = () =>
    database.superuser(
      (sql) => sql<{ facts: unknown }[]>`select entry::json -> 'facts' as facts from (
        select convert_from(entry, 'UTF8') as entry from audit_event order by id) as e
        where entry::json ->> 'type' = 'keys.rotated'`,
    );

  test("destroys no key before the audit log says that it was rotated", async () => {
    await database.superuser((sql) => sql`revoke insert on audit_event from lethe_app`);
    expect((await lethe("keys", "rotate")).code).toBe(1);
    expect(versions()).toEqual([2, 1]);
    expect(await recorded()).toEqual([]);

    await database.superuser((sql) => sql`grant insert on audit_event to lethe_app`);
    const rotated = await lethe("keys", "rotate");
    expect(rotated).toMatchObject({ code: 0, err: "" });
    expect(rotated.json()).toMatchObject({ version: 3, rewrapped: 5, destroyed: true });
    expect(versions()).toEqual([3]);
    expect(await recorded()).toEqual([{ facts: { version: 3, rewrapped: 5 } }]);
    expect((await lethe("doctor")).code).toBe(0);
  });
});
