import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { type Database, tables } from "#database";
import { didOf } from "#identity";
import { ControllerId, type ControllerView, type Environment, HUB } from "#schemas";
import type { KeyRing } from "#vault";

/** Creates a controller with its DID and all its keys, and the first event of its log. */
export async function createController(
  database: Database,
  ring: KeyRing,
  controller: { name: string; environment: Environment },
): Promise<ControllerView> {
  const id = ControllerId.parse(uuid());
  const did = didOf("controller", id);
  return database.inController(id, async (tx) => {
    const [row] = await tx.db
      .insert(tables.controller)
      .values({ controllerId: id, did, ...controller })
      .returning({ createdAt: tables.controller.createdAt });
    await ring.create(tx);
    await appendEvents(tx, [
      {
        workflow: uuid(),
        type: "controller.created",
        entity: did,
        actor: "operator",
        facts: { environment: controller.environment },
      },
    ]);
    return { id, did, ...controller, createdAt: new Date(row?.createdAt ?? 0).toISOString() };
  });
}

/** Every controller but the hub itself, oldest first. */
export async function listControllers(database: Database): Promise<ControllerView[]> {
  const ids = await database.acrossControllers("lethe_intake", ({ db }) =>
    db.select({ id: tables.controller.controllerId }).from(tables.controller),
  );
  const rows = await Promise.all(
    ids
      .filter(({ id }) => id !== HUB)
      .map(({ id }) => database.inController(id, ({ db }) => db.select().from(tables.controller))),
  );
  return rows
    .flat()
    .map(({ controllerId, did, name, environment, createdAt }) => ({
      id: controllerId,
      did,
      name,
      environment,
      createdAt: new Date(createdAt).toISOString(),
    }))
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}
