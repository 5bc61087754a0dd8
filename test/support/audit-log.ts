import { v4 as uuid } from "uuid";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { appendEvents, type Sequencer, startSequencer, verifyAll } from "#audit";
import { eq, tables } from "#database";
import { type ControllerId, type Did, HUB } from "#schemas";
import { freshRooms, type TestRooms } from "./rooms.ts";

/** A controller's audit log, and a sequencer where a test wants one. */
export const at = {} as { rooms: TestRooms; controllerId: ControllerId; witnessed: string | undefined };
const running: Sequencer[] = [];

/** A database for the file, a controller for each test. */
export function useAuditLog(): void {
  beforeAll(async () => {
    at.rooms = await freshRooms();
  });
  afterAll(() => at.rooms.drop());
  beforeEach(async () => {
    at.witnessed = undefined;
    at.controllerId = await at.rooms.controller();
  });
  afterEach(stopSequencers);
}

/** For what would spoil the hub's log, which all controllers of a database share: works on one that is thrown away. */
export async function inOwnDatabase(work: () => Promise<void>): Promise<void> {
  const outer = { ...at };
  at.rooms = await freshRooms();
  const { rooms } = at;
  at.controllerId = await rooms.controller();
  try {
    await work();
  } finally {
    await stopSequencers();
    Object.assign(at, outer);
    await rooms.drop();
  }
}

async function stopSequencers(): Promise<void> {
  for (const one of running.splice(0)) await one.stop();
}

export const sequencer = () => {
  const started = startSequencer({
    database: at.rooms.database,
    ring: at.rooms.ring,
    witness: async (note) => {
      at.witnessed = note;
    },
    onError: ({ code }) => {
      throw new Error(code);
    },
  });
  running.push(started);
  return started;
};

/** Writes events, each in a transaction and a workflow of its own unless told otherwise. */
export async function write(count: number, workflow?: string): Promise<void> {
  for (let i = 0; i < count; i++)
    await at.rooms.database.inController(at.controllerId, (tx) =>
      appendEvents(tx, [
        {
          workflow: workflow ?? uuid(),
          type: "test.happened",
          entity: `thing:${i}`,
          actor: "hub",
          facts: { i },
        },
      ]),
    );
}

/** Seals and signs everything, as a hub that stops does. */
export async function seal(): Promise<void> {
  const once = sequencer();
  await expect.poll(async () => (await report()).logs[0]?.pending).toBe(0);
  await once.stop();
}

export const didOf = async (id: ControllerId): Promise<Did> => {
  const [row] = await at.rooms.database.inController(id, ({ db }) =>
    db.select().from(tables.controller).where(eq(tables.controller.controllerId, id)),
  );
  return row?.did as Did;
};
export const owner = async (id = at.controllerId) => ({ id, did: await didOf(id) });
export const report = async (outside = at.witnessed) =>
  verifyAll({
    database: at.rooms.database,
    ring: at.rooms.ring,
    logs: [await owner()],
    hubDid: await didOf(HUB),
    witnessed: outside,
  });
export const codes = async (outside?: string) => [
  ...new Set((await report(outside)).faults.map(({ code }) => code)),
];

/** A superuser's hand, which takes the append-only trigger away first. */
export async function tamper(change: string): Promise<void> {
  await at.rooms.superuser(async (sql) => {
    for (const table of ["audit_event", "audit_leaf", "audit_tile", "audit_checkpoint"])
      await sql.unsafe(`alter table lethe.${table} disable trigger append_only`);
    await sql.unsafe(change.replaceAll(":c", `'${at.controllerId}'`).replaceAll(":hub", `'${HUB}'`));
    for (const table of ["audit_event", "audit_leaf", "audit_tile", "audit_checkpoint"])
      await sql.unsafe(`alter table lethe.${table} enable always trigger append_only`);
  });
}
