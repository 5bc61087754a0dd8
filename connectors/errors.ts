import { LetheError } from "#schemas";

/** Why a module is not a connector of this hub. Each names the module as it was asked for. */
export const loadingErrors = {
  notFound: (from: string) =>
    new LetheError(
      "connector/not-found",
      `there is no connector at ${from}: name a folder with an index.ts, a file, or a package that is installed here and exports it under "default"`,
    ),
  /** `reason` is Node's word on the code, or the class and place of what the code threw: never its text. */
  notImportable: (from: string, reason: string) =>
    new LetheError("connector/not-importable", `connector ${from} cannot be imported: ${reason}`),
  notAConnector: (from: string) =>
    new LetheError(
      "connector/not-a-connector",
      `${from} is no connector: its default export must be what defineConnector({ … }) returned`,
    ),
  /** In the kit's words, or in those of the copy of the kit that the module has. */
  refused: (from: string, { code, message }: Pick<LetheError, "code" | "message">) =>
    new LetheError(code as `connector/${string}`, `${from}: ${message}`),
  incomplete: (from: string) =>
    new LetheError(
      "connector/invalid",
      `connector ${from} is refused: a part that every connector has is missing; check its types`,
    ),
  idTaken: (from: string, id: string, by: string) =>
    new LetheError(
      "connector/id-taken",
      `connector ${from} is refused: its id "${id}" belongs to ${by}; give it another`,
    ),
};
