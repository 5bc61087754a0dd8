import { readFileSync } from "node:fs";

/** Whether a process runs. One that is over but that nobody has waited for yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // "pid (name) state …": a zombie's state is Z (proc(5)). Where there is no /proc, what can be signalled runs.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}
