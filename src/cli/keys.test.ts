import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshDatabase, runLethe, type TestDatabase } from "#test";

describe("lethe keys", () => {
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

  test("rotate destroys no key before the audit log says that it was rotated", async () => {
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

  test("epochs lists what people's keys are wrapped under, and since when", async () => {
    const added = await lethe("controller", "add", "Acme", "--environment", "sandbox");
    const { id } = added.json() as { id: string };
    await database.superuser(
      (sql) => sql`
        insert into controller_key (controller_id, purpose, version, master_version, wrapped, created_at)
        select controller_id, purpose, 2, master_version, wrapped, '2026-11-02T02:43:00Z' from controller_key where purpose = 'subject' and controller_id = ${id}`,
    );
    await database.superuser(
      (sql) => sql`
        update controller_key set wrapped = null, created_at = '2026-11-01T12:00:00Z', destroyed_at = '2026-12-02T02:43:00Z'
        where purpose = 'subject' and version = 1 and controller_id = ${id}`,
    );
    expect((await lethe("keys", "epochs")).json()).toEqual([
      {
        ...{ controller: id, version: 2, since: "2026-11-02T02:43:00.000Z" },
        ...{ superseded: null, destroyed: null },
      },
      {
        ...{ controller: id, version: 1, since: "2026-11-01T12:00:00.000Z" },
        ...{ superseded: "2026-11-02T02:43:00.000Z", destroyed: "2026-12-02T02:43:00.000Z" },
      },
    ]);
    expect((await lethe("keys", "epochs", "--controller", crypto.randomUUID())).code).toBe(1);
  });
});
