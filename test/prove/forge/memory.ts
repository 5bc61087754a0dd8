import { readFileSync } from "node:fs";

/** How much of a process is in memory at most, in MB, looked at every so often; 0 where there is no /proc (proc(5)). */
export function watchMemory(pid: number): { peak(): number; stop(): void } {
  let peak = 0;
  const look = () => {
    try {
      const [, kilobytes = "0"] =
        /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      peak = Math.max(peak, Math.round(Number(kilobytes) / 1_024));
    } catch {
      // It is gone, or there is no /proc.
    }
    return peak;
  };
  const timer = setInterval(look, 250);
  return { peak: look, stop: () => clearInterval(timer) };
}
