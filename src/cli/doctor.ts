import type { Command } from "commander";
import { runningHub } from "#hub";
import { describeError, HUB } from "#schemas";
import { command, withRooms } from "./command.ts";
import { AUDIT_CHECKS } from "./doctor-audit.ts";
import type { Checks, Result } from "./doctor-check.ts";
import { DATABASE_CHECKS } from "./doctor-database.ts";
import { WORK_CHECKS } from "./doctor-work.ts";
import { output, paint } from "./print.ts";

interface Check extends Result {
  readonly name: string;
}

export function doctorCommand(): Command {
  return command("doctor", "check the database, its policies, the keys, the queue and the log", [
    "doctor",
    "doctor --json",
  ]).action((options: { json?: boolean }) =>
    withRooms(async (rooms) => {
      const checks: Check[] = [];
      for (const [name, check] of Object.entries(CHECKS)) {
        try {
          const { advice, ...found } = await check(rooms);
          checks.push({ name, ...found, ...(!found.ok && advice !== undefined && { advice }) });
        } catch (error) {
          const { code, message } = describeError(error);
          checks.push({ name, ok: false, detail: code, advice: message });
        }
      }
      const ok = checks.every((check) => check.ok);
      output(options.json === true, { ok, checks }, ({ checks: rows }) => rows.map(lineOf).join("\n"));
      if (!ok) process.exitCode = 1;
    }),
  );
}

function lineOf({ name, ok, detail, advice }: Check): string {
  const line = `${ok ? paint("green", "ok  ") : paint("red", "FAIL")} ${name.padEnd(15)} ${detail}`;
  return advice === undefined ? line : `${line}\n${" ".repeat(21)}→ ${advice}`;
}

const CHECKS: Checks = {
  async hub({ config }) {
    const holder = runningHub(config.dataDir);
    return {
      ok: true,
      detail:
        holder === undefined
          ? "does not run on this data directory"
          : `runs at ${holder.url ?? "an address not yet known"} (process ${holder.pid})`,
    };
  },
  async keys({ ring, controllers, master }) {
    const all = [{ id: HUB }, ...(await controllers())];
    await Promise.all(all.map(({ id }) => ring.keys(id)));
    return {
      ok: true,
      detail: `${all.length} key rings open with version ${master.current().version} of the master key (${master.source})`,
    };
  },
  ...DATABASE_CHECKS,
  ...AUDIT_CHECKS,
  ...WORK_CHECKS,
};
