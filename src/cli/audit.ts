import { resolve } from "node:path";
import type { Command } from "commander";
import { exportLog, FAULTS, latestCheckpoint, proveConsistency, proveEvent, verifyAll } from "#audit";
import { controllerErrors } from "#controllers";
import type { ControllerTransaction } from "#database";
import { hubDid, type Rooms, readWitness } from "#hub";
import { HUB, LetheError } from "#schemas";
import { command, controllersOf, count, group, uuidArgument, withRooms } from "./command.ts";
import { output, paint, progressBar, table } from "./print.ts";

interface ProofOptions {
  readonly controller: string;
  readonly since?: number;
  readonly json?: boolean;
}

interface Options {
  readonly controller?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  const commands = group("audit", "the audit log: verify it, export it, prove an event", [
    "audit verify",
    "audit export --controller 4f0c… --out log.jsonl",
  ]);
  commands.addCommand(
    command("verify", "check every log in the database against its signed checkpoints", [
      "audit verify --json",
      "audit verify --controller 4f0c…",
    ])
      .option("--controller <id>", "only this controller's", uuidArgument)
      .action((options: Options) => withRooms((rooms) => verify(rooms, options))),
  );
  commands.addCommand(
    command("export", "write a log to a file that can be checked offline", [
      "audit export --controller 4f0c… --out log.jsonl",
      "audit export --controller 4f0c… --out log.jsonl && node src/audit/offline-verifier.mjs log.jsonl",
    ])
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .requiredOption("--out <file>", "the file to write")
      .action((options: Required<Options>) => withRooms((rooms) => exportTo(rooms, options))),
  );
  commands.addCommand(
    command("checkpoint", "print the newest signed checkpoint, to be kept somewhere else", [
      "audit checkpoint",
      "audit checkpoint --controller 4f0c…",
    ])
      .option("--controller <id>", "a controller's; otherwise the hub's, which covers all", uuidArgument)
      .action((options: Options) => withRooms((rooms) => checkpoint(rooms, options))),
  );
  commands.addCommand(
    command(
      "proof [event]",
      "prove that an event is in the log, or that an older checkpoint is a prefix of it",
      ["audit proof 6a1d… --controller 4f0c…", "audit proof --since 1200 --controller 4f0c… --json"],
      uuidArgument,
    )
      .requiredOption("--controller <id>", "the controller", uuidArgument)
      .option("--since <size>", "the size of an older checkpoint", count)
      .action((event: string | undefined, options: ProofOptions) =>
        withRooms((rooms) => prove(rooms, event, options)),
      ),
  );
  return commands;
}

async function verify(rooms: Rooms, options: Options): Promise<void> {
  const bar = progressBar("verifying");
  const report = await verifyAll({
    database: rooms.database,
    ring: rooms.ring,
    logs: await controllersOf(rooms, options.controller),
    hubDid: await hubDid(rooms.database),
    witnessed: await readWitness(rooms.config.dataDir),
    progress: (_, done) => bar.update(done),
  });
  bar.stop();
  const shown = {
    ok: report.ok,
    controllers: report.logs.map(({ id, events, head, pending, checkpoints }) => ({
      id,
      events,
      head,
      pending,
      checkpoints,
    })),
    witness: report.witness,
    hub: { events: report.hub.events, head: report.hub.head, checkpoints: report.hub.checkpoints },
    faults: report.faults.map(({ controller, code, seq }) => ({
      controller,
      code,
      seq,
      message: FAULTS[code],
    })),
  };
  output(options.json === true, shown, ({ ok, controllers, witness, faults }) =>
    [
      table(
        controllers.map(({ id, events, head, pending }) => ({
          controller: id,
          events,
          waiting: pending,
          head: `${head.slice(0, 16)}…`,
        })),
        "There are no controllers, so no logs.",
      ),
      ...faults.map(({ controller, code, seq, message }) =>
        paint("red", `${code}  ${message}${seq === null ? "" : ` (entry ${seq})`}, log of ${controller}`),
      ),
      ...(witness === "absent" ? [paint("yellow", noWitness(rooms.config.dataDir))] : []),
      ok ? paint("green", "The audit log holds.") : paint("red", "The audit log does not hold."),
    ].join("\n"),
  );
  if (!report.ok) process.exitCode = 1;
}

/** No fault, because a command may run with another data directory than its hub: but nobody shall take it for agreement. */
const noWitness = (dataDir: string) =>
  `Not compared with a checkpoint from outside the database: ${dataDir} holds none. A database that was rolled back or rewritten as a whole would not show; run this with the LETHE_DATA_DIR of the hub.`;

async function exportTo(rooms: Rooms, options: Required<Options>): Promise<void> {
  const [owner] = await controllersOf(rooms, options.controller);
  if (owner === undefined) throw controllerErrors.unknown(options.controller);
  const bar = progressBar("exporting");
  const file = resolve(options.out);
  const entries = await exportLog({
    database: rooms.database,
    ring: rooms.ring,
    owner,
    hub: { id: HUB, did: await hubDid(rooms.database) },
    file,
    progress: (done) => bar.update(done),
  });
  bar.stop();
  output(
    options.json === true,
    { file, entries },
    () =>
      `Wrote ${entries} entries to ${file}\nCheck it anywhere: node src/audit/offline-verifier.mjs ${options.out}`,
  );
}

async function checkpoint(rooms: Rooms, options: Options): Promise<void> {
  const [owner] =
    options.controller === undefined ? [{ id: HUB }] : await controllersOf(rooms, options.controller);
  const note =
    owner === undefined ? undefined : await rooms.database.inController(owner.id, latestCheckpoint);
  if (note === undefined)
    throw new LetheError(
      "audit/no-checkpoint",
      "there is no checkpoint yet; a running hub signs one within a second of an event",
    );
  output(options.json === true, { note }, () => note.trimEnd());
}

async function prove(rooms: Rooms, event: string | undefined, options: ProofOptions): Promise<void> {
  const [owner] = await controllersOf(rooms, options.controller);
  if (owner === undefined) throw controllerErrors.unknown(options.controller);
  const { since } = options;
  const inSnapshot = <T>(work: (tx: ControllerTransaction) => Promise<T>) =>
    rooms.database.inController(owner.id, work, { snapshot: true });
  if (event !== undefined && since === undefined) {
    const proof = await inSnapshot((tx) => proveEvent(tx, event));
    if (proof === undefined) throw noProof();
    output(options.json === true, proof, () => proof.proof.trimEnd());
  } else if (event === undefined && since !== undefined) {
    const proof = await inSnapshot((tx) => proveConsistency(tx, since));
    if (proof === undefined) throw noProof();
    output(options.json === true, proof, () => [...proof.hashes, "", proof.checkpoint.trimEnd()].join("\n"));
  } else {
    throw new LetheError("cli/one-of-two", "name an event, or say --since and a checkpoint's size");
  }
}

const noProof = () => new LetheError("audit/no-proof", "no checkpoint of this log covers that");
