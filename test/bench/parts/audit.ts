import { spawn } from "node:child_process";
import { createHash, hash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { appendEvents, type EventDraft, exportLog, verifyAll } from "#audit";
import { type ControllerId, type Did, HUB } from "#schemas";
import { besideEach, figure } from "../figures.ts";
import type { Part } from "../part.ts";
import type { RunningHub } from "../running-hub.ts";

/** Events of a transaction, as processing appends them. */
const BATCH = 300;
const VERIFIER = fileURLToPath(new URL("../../../src/audit/offline-verifier.mjs", import.meta.url));

export const audit: Part = {
  name: "audit",
  about: "the audit log: sealed by the hub's sequencer, verified in the database and offline, beside SHA-256",
  async run({ events, rounds, hub: start, repeat }) {
    const hub = await start();
    const { controller } = await hub.connection();
    const count = Math.ceil(events / rounds);
    const sealed = await repeat("sealing events", () => sealEvents(hub, controller, count));
    const entries = await hub.superuser(async (sql) => {
      const rows = await sql<{ entry: Buffer }[]>`select e.entry from lethe.audit_leaf l
        join lethe.audit_event e on e.controller_id = l.controller_id and e.id = l.event_id
        where l.controller_id = ${controller} order by l.seq`;
      return rows.map(({ entry }) => entry);
    });
    const file = join(hub.dataDir, "log.jsonl");
    const logs = (await hub.rooms.controllers()).filter(({ id }) => id === controller);
    const [owner] = logs;
    if (owner === undefined) throw new Error("the controller is gone");
    const hubDid = await hub.ask<Did>(`select did from lethe.controller where controller_id = '${HUB}'`);
    const { database, ring } = hub.rooms;
    await exportLog({ database, ring, owner, hub: { id: HUB, did: hubDid }, file });
    const verified = await repeat("verifying", async () => {
      const raw = perSecond(entries.length, () => entries.forEach((entry) => void hash("sha256", entry)));
      const whole = Buffer.concat(entries);
      const bytes = perSecond(entries.length, () => createHash("sha256").update(whole).digest());
      const began = performance.now();
      const report = await verifyAll({ database, ring, logs, hubDid, witnessed: undefined });
      const inDatabase = (entries.length * 1_000) / (performance.now() - began);
      if (!report.ok) throw new Error(`the log does not hold: ${report.faults[0]?.code}`);
      const offline = entries.length / (await offlineSeconds(file));
      return { raw, bytes, inDatabase, offline };
    });
    const of = (which: "raw" | "bytes" | "inDatabase" | "offline") => verified.map((round) => round[which]);
    const size = Math.round(entries.reduce((sum, { length }) => sum + length, 0) / entries.length);
    const raw = of("raw");
    return [
      figure(`SHA-256 of the same events, each by itself (${size} bytes)`, raw, "/s", "neither"),
      figure("SHA-256 of the same bytes in one piece, as events", of("bytes"), "/s", "neither"),
      figure(
        "events appended",
        sealed.map(({ appended }) => appended),
        "/s",
        "more",
      ),
      figure(
        "events sealed by the sequencer",
        sealed.map(({ perSecond }) => perSecond),
        "/s",
        "more",
        {
          ...besideEach(
            "SHA-256",
            sealed.map(({ perSecond }) => perSecond),
            sealed.map(() => raw[0] ?? 0),
          ),
        },
      ),
      figure("events verified in the database", of("inDatabase"), "/s", "more", {
        ...besideEach("SHA-256", of("inDatabase"), raw),
        aim: "200,000/s",
      }),
      figure("events verified offline, of an export", of("offline"), "/s", "more", {
        ...besideEach("SHA-256", of("offline"), raw),
        aim: "200,000/s",
      }),
    ];
  },
};

/** An older transaction holds the sequencer back until all are there: what is timed is its work alone. */
async function sealEvents(hub: RunningHub, controller: ControllerId, count: number) {
  const size = () =>
    hub.ask<number | null>(
      `select (select size from lethe.audit_log where controller_id = '${controller}')::int`,
    );
  const { released, appended } = await hub.superuser(async (sql) => {
    await sql`begin`;
    await sql`select pg_current_xact_id()`;
    const began = performance.now();
    for (let done = 0; done < count; done += BATCH)
      await hub.rooms.database.inController(controller, (tx) =>
        appendEvents(tx, Array.from({ length: Math.min(BATCH, count - done) }, draft)),
      );
    const appended = (count * 1_000) / (performance.now() - began);
    await sql`commit`;
    return { released: performance.now(), appended };
  });
  const all = await hub.ask<number>(
    `select count(*)::int from lethe.audit_event where controller_id = '${controller}'`,
  );
  while (((await size()) ?? 0) < all) await sleep(5);
  return { appended, perSecond: (count * 1_000) / (performance.now() - released) };
}

/** As processing writes them of a delivery. */
function draft(): EventDraft {
  const workflow = crypto.randomUUID();
  const random = () => hash("sha256", crypto.randomUUID());
  return {
    workflow,
    type: "delivery.processed",
    entity: `delivery:${workflow}`,
    actor: "hub",
    body: { hash: random(), commitment: random() },
    facts: { records: 2 },
  };
}

function perSecond(count: number, work: () => void): number {
  const began = performance.now();
  work();
  return (count * 1_000) / (performance.now() - began);
}

function offlineSeconds(file: string): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [VERIFIER, file], { stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve, reject) =>
    child.once("exit", (code) =>
      code === 0
        ? resolve((performance.now() - began) / 1_000)
        : reject(new Error(`the offline verifier ended with ${code}`)),
    ),
  );
}
