import { readFileSync } from "node:fs";
import { databaseErrors } from "../errors.ts";

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** In this order: a user made for the purpose, PostgreSQL's own, the one that every system has. */
const CANDIDATES = ["lethe", "postgres", "nobody"];

/**
 * PostgreSQL refuses to run as root, so root drops to an unprivileged system user; anybody else runs it as
 * themselves (undefined). `useradd --system lethe` gives it a user of its own.
 */
export function unprivilegedUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid, gid]) => [name, { name, uid: Number(uid), gid: Number(gid) }]),
  );
  const user = CANDIDATES.map((name) => users.get(name)).find(
    (found) => found !== undefined && found.uid > 0,
  );
  if (user === undefined)
    throw databaseErrors.notEmbeddable(
      "root may not run PostgreSQL, and there is no user lethe, postgres or nobody to run it as",
    );
  return user;
}
