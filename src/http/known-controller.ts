import { type Database, eq, tables } from "#database";
import { ControllerId, HUB } from "#schemas";

/** The controller that an address names; undefined if there is none. The hub itself is nobody's controller. */
export async function knownController(
  database: Database,
  named: string | undefined,
): Promise<ControllerId | undefined> {
  const id = ControllerId.safeParse(named);
  if (!id.success || id.data === HUB) return undefined;
  const [row] = await database.acrossControllers("lethe_intake", ({ db }) =>
    db
      .select({ id: tables.controller.controllerId })
      .from(tables.controller)
      .where(eq(tables.controller.controllerId, id.data)),
  );
  return row?.id;
}
