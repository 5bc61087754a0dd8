import { LetheError } from "#schemas";

export const databaseErrors = {
  unavailable: (cause?: unknown) =>
    new LetheError("database/unavailable", "the database does not answer; try again in a moment", {
      retry: true,
      status: 503,
      cause,
    }),
  rolledBack: () =>
    new LetheError("database/rolled-back", "a statement failed, so nothing of its transaction was written", {
      retry: true,
    }),
  unsafeRole: (role: string, fault: string) =>
    new LetheError(
      "database/unsafe-role",
      `refusing to start: the role "${role}" ${fault}, so row-level security would not hold; give DATABASE_URL a login role without SUPERUSER and BYPASSRLS whose only grants are the lethe_ roles`,
    ),
  cannotMigrate: (detail: string) => new LetheError("database/cannot-migrate", detail),
  newerSchema: () =>
    new LetheError(
      "database/newer-schema",
      "the database was migrated by a newer version of Lethe; run that version, or restore a backup from before it",
    ),
  notEmbeddable: (detail: string) =>
    new LetheError(
      "database/not-embeddable",
      `the embedded PostgreSQL cannot run here: ${detail}; set DATABASE_URL to a PostgreSQL 15 or newer instead`,
    ),
  didNotStart: (log: string) =>
    new LetheError("database/did-not-start", `the embedded PostgreSQL did not start; its log is ${log}`, {
      retry: true,
    }),
};

/** Whether an error means that the server is not there, is coming up or going down, or was too slow. */
export function isConnectionFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(ECONN|ENOENT|EPIPE|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|CONNECT|08|57P0|57014|53300)/.test(code) ||
    (error.cause !== undefined && isConnectionFault(error.cause))
  );
}

/** The error as the hub's callers see it. */
export const knownError = (error: unknown): unknown =>
  isConnectionFault(error) ? databaseErrors.unavailable(error) : error;
