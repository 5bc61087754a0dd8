import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { freshRooms, isAlive, runLethe, startHubProcess, startLoad } from "#test";

const folders: string[] = [];

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "lethe-hub-"));
  chmodSync(made, 0o711);
  folders.push(made);
  return made;
}

afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

/** A request whose body never ends. */
async function halfRequest(url: string, connection: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await new Promise((connected) => socket.once("connect", connected));
  socket.write(`POST /webhooks/shopify/${connection} HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n\r\n{`);
  return socket;
}

interface Delivery {
  readonly status: string;
  readonly connector: string;
}

describe("a hub with nothing but a data directory", () => {
  test("brings its own database, plays a sample through every door, and stops when it is told to", async () => {
    const dataDir = folder();
    const hub = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    await expect.poll(hub.output, { timeout: 15_000 }).toContain("Try next");
    // A platform whose every sample has to be fetched for has none to play.
    for (const { name } of connectors.values())
      expect(hub.output()).toMatch(new RegExp(`│ ${name} .* (200|–) +│`));
    expect(statSync(join(dataDir, "master.key")).mode & 0o777).toBe(0o600);
    const postmaster = Number(readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
    expect(isAlive(postmaster)).toBe(true);

    // A command beside it uses the same database, and leaves it running.
    const deliveries = await runLethe(["deliveries", "list", "--json"], { LETHE_DATA_DIR: dataDir });
    expect(new Set(deliveries.json<Delivery[]>().map(({ connector }) => connector)).size).toBeGreaterThan(9);
    expect(deliveries.json<Delivery[]>().every(({ status }) => status === "processed")).toBe(true);
    expect(isAlive(postmaster)).toBe(true);

    const began = performance.now();
    expect(await hub.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    // It lets go of its files a moment before it is gone.
    await expect.poll(() => isAlive(postmaster), { timeout: 5_000 }).toBe(false);
    expect(existsSync(join(dataDir, "hub.lock"))).toBe(false);
    expect(readFileSync(join(dataDir, "postgres.log"), "utf8")).not.toMatch(
      /PANIC|interrupted|not properly shut down/,
    );
  });

  test("is the only one on it: a second says so and exits 2; after kill -9 its lock does not count", async () => {
    const dataDir = folder();
    const hub = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    await expect.poll(hub.output, { timeout: 15_000 }).toContain("Try next");
    const second = await runLethe(["start"], { LETHE_DATA_DIR: dataDir, PORT: "0" });
    expect(second.code).toBe(2);
    expect(second.err).toContain(`a hub already runs on ${dataDir} (process ${hub.pid}, ${hub.url})`);
    expect((await fetch(`${hub.url}/readyz`)).status).toBe(200);

    await hub.kill();
    const again = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    expect(again.output()).not.toContain("Try next"); // what is there is kept
    expect(await again.stop()).toBe(0);
  });

  test("may be preceded by commands: whoever comes first makes what is needed, all at once too", async () => {
    const settings = { LETHE_DATA_DIR: join(folder(), "not", "there", "yet") };
    const names = ["Acme", "Beispiel", "Exemple"];
    const added = await Promise.all(
      names.map((name) => runLethe(["controller", "add", name, "--environment", "sandbox"], settings)),
    );
    expect(added.map(({ code, err }) => ({ code, err }))).toEqual(names.map(() => ({ code: 0, err: "" })));
    const listed = await runLethe(["controller", "list", "--json"], settings);
    expect(
      listed
        .json<{ name: string }[]>()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names);
    const hub = await startHubProcess(settings);
    expect(await hub.stop()).toBe(0);
  });

  test("refuses a master key that its data was not sealed with, and says what to do", async () => {
    const dataDir = folder();
    const hub = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    await hub.stop();
    const key = Buffer.alloc(32, 7).toString("base64");
    const refused = await runLethe(["start"], { LETHE_DATA_DIR: dataDir, PORT: "0", LETHE_MASTER_KEY: key });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/master key/);
    expect(refused.err).not.toContain(key);
  });
});

describe("a hub that is stopped under load", () => {
  test("answers what it took, loses nothing that it acknowledged, and hands back what it cannot finish", async () => {
    const rooms = await freshRooms();
    const controllerId = await rooms.controller();
    const { id, secret } = await rooms.connection(controllerId, "shopify");
    const settings = { DATABASE_URL: rooms.url, LETHE_MASTER_KEY: rooms.masterKey, LETHE_DATA_DIR: folder() };
    let hub = await startHubProcess(settings);
    const load = startLoad({ url: () => `${hub.url}/webhooks/shopify/${id}`, secret, senders: 16 });
    await expect.poll(load.acknowledged, { timeout: 10_000 }).toBeGreaterThan(300);

    const dawdler = await halfRequest(hub.url, id);

    const began = performance.now();
    expect(await hub.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(hub.output()).toContain('"msg":"stopped"');
    dawdler.destroy();
    const [left] = await rooms.superuser(
      (sql) => sql`select count(*) filter (where lease is not null)::int as leased from runtime_queue`,
    );
    expect(left?.leased).toBe(0);
    const [unsealed] = await rooms.superuser(
      (sql) =>
        sql`select count(*)::int as events from audit_event e where not exists (select from audit_leaf l where l.event_id = e.id and l.controller_id = e.controller_id)`,
    );
    expect(unsealed?.events).toBe(0); // the log was sealed up to the last event

    hub = await startHubProcess(settings);
    await load.stop();
    expect(await load.sendAgain()).toEqual({ duplicate: load.acknowledged() });
    await expect
      .poll(
        async () => {
          const [row] = await rooms.superuser(
            (sql) => sql`select count(*)::int as left from delivery where status <> 'processed'`,
          );
          return row?.left;
        },
        { timeout: 15_000 },
      )
      .toBe(0);
    await hub.stop();
    await rooms.drop();
  });
});

describe("a hub whose database hangs", () => {
  test("stops within ten seconds all the same, and says what it did not wait for", async () => {
    const dataDir = folder();
    const hub = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    await expect.poll(hub.output, { timeout: 15_000 }).toContain("Try next");
    const postmaster = Number(readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8").split("\n")[0]);
    const sessions = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8")
      .trim()
      .split(" ");
    const postgres = [postmaster, ...sessions.map(Number)];
    for (const pid of postgres) process.kill(pid, "SIGSTOP");
    try {
      expect(await Promise.race([hub.stop(), sleep(10_000, "still running")])).toBe(1);
      expect(hub.output()).toContain("without waiting any longer");
      expect(existsSync(join(dataDir, "hub.lock"))).toBe(false);
    } finally {
      for (const pid of postgres) process.kill(pid, "SIGCONT");
    }
    // What was acknowledged is there for the next start, which stops its database in order.
    const again = await startHubProcess({ LETHE_DATA_DIR: dataDir });
    expect(await again.stop()).toBe(0);
    // It lets go of its files a moment before it is gone.
    await expect.poll(() => isAlive(postmaster), { timeout: 5_000 }).toBe(false);
  });
});

describe("a hub whose Inngest server takes connections and never answers", () => {
  test("starts, says that it is not ready, and stops when it is told to", async () => {
    const rooms = await freshRooms();
    await rooms.superuser(
      (sql) =>
        sql`insert into runtime_event (controller_id, id, name, data) values (gen_random_uuid(), 'waits', 'x', '{}')`,
    );
    const asked: string[] = [];
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      sockets.push(socket.on("error", () => {}));
      socket.once("data", (request) => asked.push(request.toString("latin1").split(" ")[1] ?? ""));
    });
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    const { port } = silent.address() as AddressInfo;
    const hub = await startHubProcess({
      DATABASE_URL: rooms.url,
      LETHE_MASTER_KEY: rooms.masterKey,
      LETHE_DATA_DIR: folder(),
      LETHE_RUNTIME: "inngest",
      INNGEST_BASE_URL: `http://127.0.0.1:${port}`,
      INNGEST_EVENT_KEY: "key",
      INNGEST_SIGNING_KEY: "0123456789abcdef0123456789abcdef",
    });
    // Both are under way: the registration of the workflows, and an event of the outbox.
    await expect.poll(() => asked.toSorted(), { timeout: 10_000 }).toEqual(["/e/key", "/fn/register"]);
    expect((await fetch(`${hub.url}/readyz`)).status).toBe(503);

    expect(await Promise.race([hub.stop(), sleep(10_000, "still running")])).toBe(0);
    for (const socket of sockets) socket.destroy();
    silent.close();
    await rooms.drop();
  });
});

describe("several hubs on one database", () => {
  test("take turns at any connection, and see each other's changes at once", async () => {
    const rooms = await freshRooms();
    const controllerId = await rooms.controller();
    const { id, secret } = await rooms.connection(controllerId, "shopify");
    const settings = () => ({
      DATABASE_URL: rooms.url,
      LETHE_MASTER_KEY: rooms.masterKey,
      LETHE_DATA_DIR: folder(),
    });
    const hubs = await Promise.all([startHubProcess(settings()), startHubProcess(settings())]);
    let turn = 0;
    const load = startLoad({
      url: () => `${hubs[turn++ % 2]?.url}/webhooks/shopify/${id}`,
      secret,
      senders: 8,
      total: 300,
    });
    await expect.poll(load.acknowledged, { timeout: 15_000 }).toBe(300);
    await load.stop();
    // What one acknowledged the other knows: every second of these goes to the hub that did not have it.
    expect(await load.sendAgain()).toEqual({ duplicate: 300 });
    const counts = async () => {
      const [row] = await rooms.superuser(
        (sql) => sql`select count(*) filter (where status = 'processed')::int as processed,
          (select count(*)::int from subject) as subjects, (select count(*)::int from processing_activity) as activities from delivery`,
      );
      return row;
    };
    await expect
      .poll(counts, { timeout: 15_000 })
      .toEqual({ processed: 300, subjects: 300, activities: 300 });

    // A connection removed through any process is closed at every door within a moment, not when a cache expires.
    const removed = await runLethe(["connection", "remove", id], settings());
    expect(removed.code).toBe(0);
    for (const hub of hubs)
      await expect
        .poll(
          async () =>
            (await fetch(`${hub.url}/webhooks/shopify/${id}`, { method: "POST", body: "{}" })).status,
        )
        .toBe(404);
    await Promise.all(hubs.map((hub) => hub.stop()));
    await rooms.drop();
  });
});

describe("a hub that cannot start", () => {
  test("because its port is taken says which, and leaves nothing behind", async () => {
    const dataDir = folder();
    const rooms = await freshRooms();
    const other = createServer();
    const port = await new Promise<number>((listening) =>
      other.listen(0, "127.0.0.1", () => listening((other.address() as { port: number }).port)),
    );
    const refused = await runLethe(["start"], {
      DATABASE_URL: rooms.url,
      LETHE_MASTER_KEY: rooms.masterKey,
      LETHE_DATA_DIR: dataDir,
      PORT: String(port),
    });
    other.close();
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(
      `port ${port} on 127.0.0.1 is in use; stop what listens there, or set PORT`,
    );
    expect(existsSync(join(dataDir, "hub.lock"))).toBe(false);
    await rooms.drop();
  });

  test("because its settings are wrong names every one of them, and shows no value", async () => {
    const refused = await runLethe(["start"], {
      LETHE_DATA_DIR: folder(),
      PORT: "eighty",
      DATABASE_URL: "mysql://root:hunter2@db/lethe",
      LETHE_RUNTIME: "inngets",
    });
    expect(refused.code).toBe(2);
    for (const name of ["PORT", "DATABASE_URL", "LETHE_RUNTIME"]) expect(refused.err).toContain(name);
    expect(refused.err).not.toMatch(/eighty|hunter2|inngets/);
  });

  test("because the database is away says so, without its address or password", async () => {
    const refused = await runLethe(["start"], {
      LETHE_DATA_DIR: folder(),
      PORT: "0",
      DATABASE_URL: "postgres://lethe:hunter2@127.0.0.1:9/lethe",
    });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/the database does not answer/);
    expect(refused.err).not.toContain("hunter2");
  });
});
