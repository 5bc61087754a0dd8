import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { exportLog } from "#audit";
import { AuditExportLine } from "#schemas";
import type { Logs } from "./logs.ts";

export type Line = AuditExportLine;
export type Header = Extract<Line, { kind: "header" }>;

/** The exported log of the second controller, and the offline verifier as whoever got it runs it. */
export interface Exported {
  /** The file. */
  readonly text: string;
  readonly lines: readonly Line[];
  readonly header: Header;
  /** Its first checkpoint, kept from then. */
  readonly kept: string;
  /** The other controller's keys and newest checkpoint. */
  readonly other: { readonly key: string; readonly checkpoint: string };
  /** Whether the verifier says that the file holds. */
  holds(text: string | Buffer, trust: Trust): Promise<boolean>;
  close(): void;
}

/** What somebody who verifies a file has from elsewhere. */
export interface Trust {
  readonly key?: string | undefined;
  readonly hubKey?: string | undefined;
  readonly checkpoint?: string | undefined;
}

const VERIFIER = fileURLToPath(new URL("../../../src/audit/offline-verifier.mjs", import.meta.url));

export async function openExported({ rooms, a, b, hub }: Logs): Promise<Exported> {
  const folder = mkdtempSync(join(tmpdir(), "lethe-tamper-"));
  const file = join(folder, "log.jsonl");
  const { database, ring } = rooms;
  const read = async (owner: typeof a) => {
    await exportLog({ database, ring, owner, hub, file });
    return readFileSync(file, "utf8");
  };
  const other = linesOf(await read(a));
  const text = await read(b);
  const lines = linesOf(text);
  const note = (of: readonly Line[], which: number) => {
    const found = of.filter((line) => line.kind === "checkpoint").at(which);
    if (found === undefined) throw new Error("an export has no checkpoint");
    return found.note;
  };
  return {
    ...{ text, lines, header: headerOf(lines), kept: note(lines, 0), holds },
    other: { key: headerOf(other).keys[0] ?? "", checkpoint: note(other, -1) },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };

  async function holds(changed: string | Buffer, { key, hubKey, checkpoint }: Trust): Promise<boolean> {
    const kept = join(folder, "kept.txt");
    writeFileSync(file, changed);
    writeFileSync(kept, checkpoint ?? "");
    const argv = [
      file,
      ...(key === undefined ? [] : ["--key", key]),
      ...(hubKey === undefined ? [] : ["--hub-key", hubKey]),
      ...(checkpoint === undefined ? [] : ["--checkpoint", kept]),
    ];
    // As a program of its own, but in a thread: a process takes five times as long to start.
    const verifier = new Worker(VERIFIER, { argv, stdout: true, stderr: true });
    const [code] = await once(verifier, "exit");
    return code === 0;
  }
}

export function headerOf([header]: readonly Line[]): Header {
  if (header?.kind !== "header") throw new Error("an export has no header");
  return header;
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => AuditExportLine.parse(JSON.parse(line)));

/** As `exportLog` writes it. */
export const textOf = (lines: readonly object[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");
