import { runCommand } from "#cli";

await runCommand(process.argv.slice(2));
// Whatever still holds the process (a terminal's standard input, a pool's timer) is of no more use.
process.exit();
