import type { Command } from "commander";
import { command, withRooms } from "./command.ts";
import { output } from "./print.ts";

export function migrateCommand(): Command {
  return command("migrate", "bring the database's schema up to this version; a start does it too", [
    "migrate",
    "DATABASE_URL=postgres://owner@db/lethe lethe migrate",
  ]).action((options: { json?: boolean }) =>
    withRooms(async ({ migrated }) => {
      output(options.json === true, { migrated }, () =>
        migrated === 0 ? "The schema is up to date." : `Applied ${migrated} migrations.`,
      );
    }),
  );
}
