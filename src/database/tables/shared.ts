import type { ControllerId } from "#schemas";
import { pg, sql } from "../drizzle.ts";

export const lethe = pg.pgSchema("lethe");

/** Created by `roles.ts`, before any migration. What each may do stands in the migrations' grants. */
export const appRole = pg.pgRole("lethe_app").existing();
export const intakeRole = pg.pgRole("lethe_intake").existing();
export const runtimeRole = pg.pgRole("lethe_runtime").existing();
export const sequencerRole = pg.pgRole("lethe_sequencer").existing();

export const bytea = pg.customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
});

export const controllerId = () => pg.uuid("controller_id").$type<ControllerId>().notNull();

/** Strings in, strings out: no time passes through a JavaScript Date, which would lose its microseconds. */
export const instant = (name: string) => pg.timestamp(name, { withTimezone: true, mode: "string" });

/** The `(select …)` is evaluated once a query; `nullif` because an expired SET LOCAL leaves `''` behind. */
const ofCurrentController = sql.raw(
  `"controller_id" = (select nullif(current_setting('app.current_controller_id', true), '')::uuid)`,
);

/** Rows of the transaction's controller, and no other, for the named role. */
export const isolation = (role = appRole) =>
  pg.pgPolicy(`controller_isolation_${role.name}`, {
    as: "permissive",
    for: "all",
    to: role,
    using: ofCurrentController,
    withCheck: ofCurrentController,
  });

/** What may go although the grant is of the table: rows of which this is true. On top of {@link isolation}, not instead of it. */
export const deletable = (rule: string, role = appRole) =>
  pg.pgPolicy(`deletable_${role.name}`, { as: "restrictive", for: "delete", to: role, using: sql.raw(rule) });

/** A role that works across controllers on this table; its grants say how little it may do there. */
export const across = (role: typeof appRole, operation: "all" | "select" = "all") =>
  pg.pgPolicy(`across_controllers_${role.name}`, {
    as: "permissive",
    for: operation,
    to: role,
    using: sql.raw("true"),
    ...(operation === "all" ? { withCheck: sql.raw("true") } : {}),
  });
