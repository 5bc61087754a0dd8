import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** `sun_path` holds 108 bytes on Linux, 104 on macOS, with the closing NUL. */
const LONGEST = 103;

/** A path to the socket that is short enough to connect to: itself, or through a link in a private temporary folder. */
export function socketPath(socket: string): { path: string; remove(): void } {
  if (Buffer.byteLength(socket) <= LONGEST) return { path: socket, remove: () => {} };
  const folder = mkdtempSync(join(tmpdir(), "lethe-"));
  symlinkSync(dirname(socket), join(folder, "s"));
  return {
    path: join(folder, "s", basename(socket)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
