import { join } from "node:path";
import { lockDataDir } from "../../src/hub/lock.ts";

/**
 * Run as a process: takes the lock of one data directory after another (`<folder>/0`, `<folder>/1`, …), each at a
 * moment of its own so that all such processes meet there, and keeps what it gets until its standard input ends.
 */
const [folder = "", count = "", begin = "", apart = ""] = process.argv.slice(2);
const won: number[] = [];
for (let i = 0; i < Number(count); i++) {
  while (Date.now() < Number(begin) + i * Number(apart));
  try {
    lockDataDir(join(folder, String(i)));
    won.push(i);
  } catch (error) {
    if ((error as { code?: string }).code !== "hub/already-running") throw error;
  }
}
process.stdout.write(`${JSON.stringify(won)}\n`);
process.stdin.resume();
