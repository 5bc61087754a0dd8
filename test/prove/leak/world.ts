import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectors } from "#connectors";
import { type HubProcess, startHubProcess } from "../../support/hub-process.ts";
import { type Mailbox, openMailbox } from "../../support/mailbox.ts";
import { receiveTraces, type TraceReceiver } from "../../support/otlp.ts";
import { simulateCustomerIo } from "../../support/platforms/customerio.ts";
import { simulateKlaviyo } from "../../support/platforms/klaviyo.ts";
import { simulateMailchimp } from "../../support/platforms/mailchimp.ts";
import { type SimulatedShopify, simulateShopify } from "../../support/platforms/shopify.ts";
import type { SimulatedPlatform } from "../../support/platforms/simulated.ts";
import { type SimulatedPlatforms, simulatePlatforms } from "../../support/platforms.ts";
import { type AnyApi, simulateAnyApi } from "./any-api.ts";
import type { Canaries } from "./canaries.ts";
import { type Commands, commandsIn } from "./commands.ts";

/** A hub with everything around it, and all that it and its commands can write to. */
export interface World {
  readonly hub: HubProcess;
  readonly lethe: Commands;
  readonly mailbox: Mailbox;
  /** A collector of traces. */
  readonly traces: TraceReceiver;
  readonly platforms: SimulatedPlatforms;
  readonly sims: readonly SimulatedPlatform[];
  readonly shopify: SimulatedShopify;
  /** What answers for every other platform. */
  readonly api: AnyApi;
  readonly folders: Folders;
  /** Of a controller that is connected to every platform. */
  readonly controller: string;
  readonly connections: ReadonlyMap<string, Connection>;
  /** Another, whose people exercise their rights: it is connected to the simulated ones only, so that requests come to an end. */
  readonly rights: { readonly controller: string; readonly shop: Connection };
  /** Everything that was answered, headers too. */
  readonly answered: string[];
  /** Sends a request from an address of somebody's, takes its answer down, and resolves with its text. */
  ask(url: string, init?: RequestInit): Promise<{ status: number; text: string; bytes: Uint8Array }>;
  /** The same for one that was sent already. */
  heard(answer: Response): Promise<string>;
  /** Requests that the hub answered. */
  requests(): number;
  close(): Promise<void>;
}

export interface Folders {
  readonly data: string;
  /** Temporary files of hub and commands; where they are started; and their user's own. */
  readonly temporary: string;
  readonly current: string;
  readonly home: string;
  /** What an operator gives to commands, and what they write because they are told to: not searched. */
  readonly given: string;
}

export interface Connection {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}

/** Starts a hub at its loudest, with a controller that is connected to every platform. */
export async function openWorld(canaries: Canaries): Promise<World> {
  const folders = makeFolders();
  const mailbox = await openMailbox();
  const traces = await receiveTraces();
  const shopify = simulateShopify({ accessToken: `shpat_${canaries.token("access token of shopify")}` });
  const keys = {
    ...{ appApiKey: canaries.token("app key of customerio"), siteId: "site-1" },
    trackApiKey: canaries.token("track key of customerio"),
  };
  const privateKey = `pk_${canaries.token("private key of klaviyo")}`;
  const sims = [shopify, simulateMailchimp(), simulateKlaviyo({ privateKey }), simulateCustomerIo({ keys })];
  const api = simulateAnyApi(canaries);
  const platforms = await simulatePlatforms(() => [...sims, api]);
  const settings = {
    NO_COLOR: "1",
    ...{ LETHE_DATA_DIR: folders.data, LOG_LEVEL: "debug", TMPDIR: folders.temporary, HOME: folders.home },
    ...{ LETHE_SMTP_URL: mailbox.url, LETHE_MAIL_FROM: "Acme Privacy <privacy@acme.example>" },
  };
  const hub = await startHubProcess(
    // Whose request it is stands in a header, so that addresses can be canaries.
    {
      ...{ ...platforms.environment, ...settings, LETHE_PROXIES: "1", LETHE_MAX_BODY: "262144" },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: traces.url, OTEL_BSP_SCHEDULE_DELAY: "200" },
    },
    folders.current,
  );
  const lethe = commandsIn(settings, platforms.environment, folders.current);
  const answered: string[] = [];
  const heard = async (answer: Response) => {
    const text = await answer.text();
    answered.push(`${answer.status} ${JSON.stringify([...answer.headers])}\n${text}`);
    return text;
  };
  const connectAll = async (name: string, names: readonly string[]) => {
    const add = ["controller", "add", name, "--environment", "sandbox"];
    const { id: controller } = await lethe.json<{ id: string }>(add);
    const connections = new Map<string, Connection>();
    for (const connector of names)
      connections.set(connector, await connect(lethe, folders, controller, connector, sims, canaries));
    return { controller, connections };
  };
  const { controller, connections } = await connectAll("Everything", [...connectors.keys()]);
  const people = await connectAll(
    "Acme",
    sims.map(({ connector }) => connector),
  );
  const shop = people.connections.get("shopify");
  if (shop === undefined) throw new Error("no shop");

  return {
    ...{ hub, lethe, mailbox, traces, platforms, sims, shopify, api, folders, connections, controller },
    rights: { controller: people.controller, shop },
    ...{ answered, heard },
    async ask(url, init = {}) {
      const answer = await fetch(url.startsWith("http") ? url : `${hub.url}${url}`, {
        ...init,
        headers: {
          "x-forwarded-for": canaries.address("x-forwarded-for"),
          "user-agent": canaries.token("user-agent"),
          ...init.headers,
        },
      });
      const bytes = new Uint8Array(await answer.clone().arrayBuffer());
      return { status: answer.status, text: await heard(answer), bytes };
    },
    requests: () => answered.length,
    async close() {
      await hub.stop();
      await platforms.stop();
      await mailbox.close();
      await traces.stop();
      rmSync(join(folders.data, ".."), { recursive: true, force: true });
    },
  };
}

function makeFolders(): Folders {
  const root = mkdtempSync(join(tmpdir(), "lethe-leak-"));
  chmodSync(root, 0o711); // PostgreSQL runs as another user if this runs as root
  const [data = "", temporary = "", current = "", home = "", given = ""] = [
    ...["data", "temporary", "current", "home", "given"],
  ].map((name) => join(root, name));
  for (const folder of [data, temporary, current, home, given]) mkdirSync(folder);
  chmodSync(temporary, 0o1777);
  return { data, temporary, current, home, given };
}

async function connect(
  lethe: Commands,
  { given }: Folders,
  controller: string,
  connector: string,
  sims: readonly SimulatedPlatform[],
  canaries: Canaries,
): Promise<Connection> {
  const { configuration } = connectors.get(connector) ?? {};
  const secret = `s3cret&${canaries.token(`webhook secret of ${connector}`)}`;
  const file = (name: string, value: unknown) => {
    const path = join(given, `${connector}-${name}.json`);
    writeFileSync(path, JSON.stringify(value));
    return [`--${name}`, path];
  };
  const sim = sims.find((one) => one.connector === connector);
  // Its own audience, because it takes the samples of any.
  const audience = connector === "mailchimp" ? { listId: sim?.account } : {};
  const credentials =
    sim === undefined
      ? CREDENTIALS[connector]?.((at) => canaries.token(`${at} of ${connector}`))
      : { ...(sim.credentials as object), ...audience };
  const added = await lethe.json<{ id: string; url: string }>(
    [
      ...["connection", "add", connector, "--controller", controller, "--secret", secret, "--region", "CA"],
      ...(credentials === undefined ? [] : file("credentials", credentials)),
      ...(configuration === undefined ? [] : file("configuration", configuration.example)),
    ],
    // Where a platform signs nothing the URL itself is the secret, and is shown to whoever makes it.
    { shows: [secret, encodeURIComponent(secret)] },
  );
  return { ...added, secret };
}

/** Of the platforms whose webhooks are thin, so that the hub asks them. */
const CREDENTIALS: Readonly<Record<string, (secret: (at: string) => string) => unknown>> = {
  eventbrite: (secret) => ({ privateToken: secret("private token") }),
  surveymonkey: (secret) => ({ accessToken: secret("access token") }),
  quickbooks: (secret) => ({
    ...{ clientId: "client-1", realmId: "9341455012345678" },
    ...{ clientSecret: secret("client secret"), refreshToken: secret("refresh token") },
  }),
};
