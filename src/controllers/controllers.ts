import { v4 as uuid } from "uuid";
import { appendEvents } from "#audit";
import { type Database, eq, tables } from "#database";
import { didOf } from "#identity";
import { ControllerId, type ControllerView, type Environment, HUB } from "#schemas";
import type { KeyRing } from "#vault";
import { controllerErrors } from "./errors.ts";

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
      .returning();
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
    if (row === undefined) throw new RangeError("a row that was written is returned");
    return viewOf(row);
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
    .map(viewOf)
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
}

/** What a controller's rights requests are answered by. */
export type ControllerSettings = Partial<
  Pick<ControllerView, "regime" | "timeZone" | "holidays" | "dpdpDays">
>;

/** Changes it, for deadlines that are set from now on. Throws `connection/unknown-controller`. */
export async function updateController(
  database: Database,
  id: ControllerId,
  settings: ControllerSettings,
): Promise<ControllerView> {
  return database.inController(id, async (tx) => {
    const [row] = await tx.db
      .update(tables.controller)
      .set(settings)
      .where(eq(tables.controller.controllerId, id))
      .returning();
    if (row === undefined) throw controllerErrors.unknown(id);
    await appendEvents(tx, [
      {
        ...{ workflow: uuid(), type: "controller.updated", entity: row.did, actor: "operator" },
        facts: { ...settings },
      },
    ]);
    return viewOf(row);
  });
}

function viewOf(row: typeof tables.controller.$inferSelect): ControllerView {
  const { controllerId: id, did, name, environment, regime, timeZone, holidays, dpdpDays, createdAt } = row;
  const settings = { regime, timeZone, holidays, dpdpDays };
  return { id, did, name, environment, ...settings, createdAt: new Date(createdAt).toISOString() };
}
