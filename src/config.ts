import { resolve } from "node:path";
import { z } from "zod";
import { LetheError, Personal } from "#schemas";

const port = z.coerce.number().int().min(0).max(65_535);
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);

/** Everything that can be set, by environment variable. */
export const Settings = z.object({
  PORT: port.default(8787),
  /** Address to listen on. Only this machine unless said otherwise. */
  HOST: z.string().min(1).default("127.0.0.1"),
  /** The hub's address as platforms reach it, for the URLs that commands print. */
  LETHE_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  LETHE_DATA_DIR: z.string().min(1).default(".lethe"),
  /** PostgreSQL 15 or newer. Unset: an embedded one in the data directory. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
    .optional(),
  LETHE_RUNTIME: z.enum(["embedded", "inngest"]).default("embedded"),
  INNGEST_BASE_URL: z.url().optional(),
  INNGEST_EVENT_KEY: z.string().min(1).optional(),
  INNGEST_SIGNING_KEY: z.string().min(1).optional(),
  /** The hub's address as the Inngest server reaches it. */
  INNGEST_SERVE_ORIGIN: z.url().optional(),
  /** `<version>:<base64 of 32 bytes>`, newest first. Unset: made on first start in the data directory. */
  LETHE_MASTER_KEY: z.string().min(1).optional(),
  /** Connectors beside those that Lethe ships: paths or package names, separated by commas. */
  LETHE_CONNECTORS: z.string().default(""),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** Bytes that a webhook's body may have. */
  LETHE_MAX_BODY: count(2 * 1024 * 1024),
  /** Milliseconds in which a request must have arrived whole. */
  LETHE_REQUEST_TIMEOUT: count(10_000),
  /** Requests that do not verify which an address may make to a connection in a minute. */
  LETHE_MAX_REFUSALS: count(60),
  /** Signals of browsers (`/signals/…`) that an address may send in a minute without a token. */
  LETHE_MAX_SIGNALS: count(120),
  /** Reverse proxies in front of the hub that set `X-Forwarded-For`: limits count the address that they name. */
  LETHE_PROXIES: z.coerce.number().int().min(0).max(10).default(0),
  /** Days that a failed delivery stays sealed for replay. */
  LETHE_REPLAY_DAYS: count(7),
  /** The mail server by which people verify and are told: `smtps://user:password@host:465`, or `smtp://…:587`. */
  LETHE_SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, "must begin with smtp:// or smtps://")
    .optional(),
  /** Whom messages are from: `Acme Privacy <privacy@acme.example>`. */
  LETHE_MAIL_FROM: z.string().min(3).optional(),
  /** Whom reminders of deadlines go to. */
  LETHE_PRIVACY_TEAM: z.email().optional(),
  /** Full calendar years for which books have to be kept. */
  LETHE_RETENTION_YEARS: count(10),
  /** Days after which a backup of the database is gone: the evidence of an erasure says so. */
  LETHE_BACKUP_DAYS: count(30),
  /** Requests and codes of people who exercise a right that an address may send in a minute. */
  LETHE_MAX_RIGHTS: count(20),
  /** Where traces go, by OTLP over HTTP: a collector, `http://collector:4318`. Unset: nowhere. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** The same, whole: `http://collector:4318/v1/traces`. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
});

export interface Config {
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | undefined;
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly runtime:
    | { readonly kind: "embedded" }
    | {
        readonly kind: "inngest";
        readonly baseUrl: string;
        readonly eventKey: string;
        readonly signingKey: string;
        readonly serveOrigin: string;
      };
  readonly masterKey: string | undefined;
  readonly connectors: readonly string[];
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly maxBody: number;
  readonly requestTimeout: number;
  readonly maxRefusals: number;
  readonly maxSignals: number;
  readonly proxies: number;
  readonly replayDays: number;
  readonly mail: { readonly url: string; readonly from: string } | undefined;
  readonly privacyTeam: Personal | undefined;
  readonly retentionYears: number;
  readonly backupDays: number;
  readonly maxRights: number;
  /** Where traces are sent, if they are. */
  readonly traces: string | undefined;
}

/** Reads the environment. Throws `config/invalid` with every variable at fault and what it should be; never shows a value. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = Settings.safeParse(given);
  if (!parsed.success)
    throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`));
  const env = parsed.data;
  return {
    port: env.PORT,
    host: env.HOST,
    publicUrl: env.LETHE_PUBLIC_URL?.replace(/\/+$/, ""),
    dataDir: resolve(env.LETHE_DATA_DIR),
    databaseUrl: env.DATABASE_URL,
    runtime: runtimeOf(env),
    masterKey: env.LETHE_MASTER_KEY,
    connectors: env.LETHE_CONNECTORS.split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
    logLevel: env.LOG_LEVEL,
    maxBody: env.LETHE_MAX_BODY,
    requestTimeout: env.LETHE_REQUEST_TIMEOUT,
    maxRefusals: env.LETHE_MAX_REFUSALS,
    maxSignals: env.LETHE_MAX_SIGNALS,
    proxies: env.LETHE_PROXIES,
    replayDays: env.LETHE_REPLAY_DAYS,
    mail: mailOf(env),
    privacyTeam: env.LETHE_PRIVACY_TEAM === undefined ? undefined : new Personal(env.LETHE_PRIVACY_TEAM),
    retentionYears: env.LETHE_RETENTION_YEARS,
    backupDays: env.LETHE_BACKUP_DAYS,
    maxRights: env.LETHE_MAX_RIGHTS,
    traces:
      env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ??
      env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/*$/, "/v1/traces"),
  };
}

function runtimeOf(env: z.output<typeof Settings>): Config["runtime"] {
  if (env.LETHE_RUNTIME === "embedded") return { kind: "embedded" };
  const needed = ["INNGEST_BASE_URL", "INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY"] as const;
  const missing = needed.filter((name) => env[name] === undefined);
  if (missing.length > 0)
    throw invalid(missing.map((name) => `${name}: is needed with LETHE_RUNTIME=inngest`));
  return {
    kind: "inngest",
    baseUrl: env.INNGEST_BASE_URL ?? "",
    eventKey: env.INNGEST_EVENT_KEY ?? "",
    signingKey: env.INNGEST_SIGNING_KEY ?? "",
    serveOrigin: env.INNGEST_SERVE_ORIGIN ?? `http://${env.HOST}:${env.PORT}`,
  };
}

function mailOf({ LETHE_SMTP_URL: url, LETHE_MAIL_FROM: from }: z.output<typeof Settings>): Config["mail"] {
  if (url === undefined && from === undefined) return undefined;
  if (url === undefined || from === undefined)
    throw invalid([
      `${url === undefined ? "LETHE_SMTP_URL" : "LETHE_MAIL_FROM"}: is needed with the other, for messages to people`,
    ]);
  return { url, from };
}

function invalid(faults: string[]): LetheError {
  return new LetheError("config/invalid", `these settings are wrong: ${faults.join("; ")}`);
}
