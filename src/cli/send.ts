import { existsSync } from "node:fs";
import type { Command } from "commander";
import { controllerErrors, secretsOf } from "#controllers";
import { type Rooms, runningHub } from "#hub";
import { currentSecrets } from "#intake";
import { type Fixture, loadFixtures, signFixture } from "#kit";
import { type ConnectionView, LetheError } from "#schemas";
import { command, uuidArgument, withRooms } from "./command.ts";
import { allConnections } from "./connection.ts";
import { output } from "./print.ts";

/** The sample requests of a platform; none where it has no folder of them. */
export function fixturesOf({ loaded }: Rooms, connector: string): Fixture[] {
  const folder = loaded.get(connector)?.fixtures;
  return folder !== undefined && existsSync(folder) ? loadFixtures(folder) : [];
}

export function sendCommand(): Command {
  return command(
    "send <connector> [fixture]",
    "sign a fixture as the platform would and post it to the running hub",
    ["send shopify customers-create", "send stripe            # lists Stripe's fixtures"],
  )
    .option("--connection <id>", "the connection to send to; otherwise the connector's first", uuidArgument)
    .action((connector: string, name: string | undefined, options: { connection?: string; json?: boolean }) =>
      withRooms(async (rooms) => {
        if (!rooms.connectors.has(connector))
          throw controllerErrors.unknownConnector(connector, [...rooms.connectors.keys()]);
        const fixtures = fixturesOf(rooms, connector);
        if (name === undefined)
          return output(
            options.json === true,
            fixtures.map((fixture) => ({ name: fixture.name, about: fixture.about })),
            (rows) => rows.map((row) => `${row.name.padEnd(36)} ${row.about}`).join("\n"),
          );
        const fixture = fixtures.find((candidate) => candidate.name === name);
        if (fixture === undefined)
          throw new LetheError(
            "send/unknown-fixture",
            `there is no fixture "${name}"; \`lethe send ${connector}\` lists them`,
          );
        const answer = await sendFixture(rooms, connector, fixture, options.connection);
        output(options.json === true, answer, ({ status, body }) => `${status} ${body}`);
        if (answer.status >= 400) process.exitCode = 1;
      }),
    );
}

/** Signs a fixture with a connection's own secret and posts it to the hub that runs on this data directory. */
export async function sendFixture(
  rooms: Rooms,
  connectorId: string,
  fixture: Fixture,
  wanted?: string,
  hubUrl?: string,
): Promise<{ status: number; body: string }> {
  const url = hubUrl ?? runningHub(rooms.config.dataDir)?.url;
  if (url === null || url === undefined)
    throw new LetheError("send/no-hub", "no hub runs on this data directory; start one with `npm start`");
  const connector = rooms.connectors.get(connectorId);
  const connection = (await allConnections(rooms)).find(
    (one) =>
      one.connector === connectorId &&
      one.status !== "removed" &&
      (wanted === undefined || one.id === wanted),
  );
  if (connector === undefined || connection === undefined)
    throw new LetheError(
      "send/no-connection",
      `there is no connection to ${connectorId}; add one with \`lethe connection add ${connectorId} …\``,
    );
  const [secret = ""] = currentSecrets(
    await secretsOf(rooms.database, rooms.ring, { controllerId: connection.controller, id: connection.id }),
    Date.now(),
  );
  // Signed for the URL that the hub is known by, sent to where it listens.
  const known = `${rooms.config.publicUrl ?? url}${pathOf(connection)}`;
  const request = signFixture(connector, fixture, secret, Date.now(), known);
  const response = await post(`${url}${pathOf(connection)}${new URL(request.url).search}`, request);
  return { status: response.status, body: await response.text() };
}

async function post(
  url: string,
  request: { method: string; headers: Record<string, string>; body: Uint8Array },
): Promise<Response> {
  const body = request.method === "POST" ? { body: Buffer.from(request.body) } : {};
  try {
    return await fetch(url, { method: request.method, headers: request.headers, ...body });
  } catch (cause) {
    throw new LetheError("send/no-answer", "the hub does not answer; see its log", { cause });
  }
}

const pathOf = ({ connector, id }: ConnectionView) => `/webhooks/${connector}/${id}`;
