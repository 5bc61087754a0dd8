import { LetheError } from "#schemas";

/** Everything that can go wrong with keys and sealed values. None of it is worth a retry but a missing key version. */
export const vaultErrors = {
  noMasterKey: (detail: string) => new LetheError("vault/no-master-key", detail),
  malformedMasterKey: (where: string) =>
    new LetheError(
      "vault/malformed-master-key",
      `${where} must be "<version>:<base64 of 32 bytes>", several separated by commas, newest first; make one with: openssl rand -base64 32`,
    ),
  unknownMasterVersion: (version: number) =>
    new LetheError(
      "vault/unknown-master-version",
      `a key is wrapped under master key version ${version}, which is not there; put that version back into LETHE_MASTER_KEY or the key file`,
    ),
  rotating: () =>
    new LetheError(
      "vault/rotation-running",
      "the master key is being rotated by another process; wait until that is done",
    ),
  oldVersionInUse: (version: number) =>
    new LetheError(
      "vault/old-version-in-use",
      `keys were still being made under a version of the master key older than ${version}; start every process with version ${version}, then rotate again. No version was destroyed`,
    ),
  wrongMasterKey: () =>
    new LetheError(
      "vault/wrong-master-key",
      "the master key does not open this database's keys; start with the LETHE_MASTER_KEY or the data directory that the database was first used with",
    ),
  destroyed: (what: string) =>
    new LetheError("vault/key-destroyed", `the ${what} key was destroyed: nobody can open this`),
  missing: (what: string) => new LetheError("vault/key-missing", `the controller has no ${what} key`),
  cannotOpen: () =>
    new LetheError(
      "vault/cannot-open",
      "a sealed value does not open: it was altered, or belongs to another record or controller",
    ),
};
