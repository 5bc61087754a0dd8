import type { ConnectionId, Did, Environment, Purpose, RightsRegime } from "#schemas";
import { pg } from "../drizzle.ts";
import { across, appRole, bytea, controllerId, instant, intakeRole, isolation, lethe } from "./shared.ts";

/** Tenants. The row with the nil UUID is the hub itself. */
export const controller = lethe.table(
  "controller",
  {
    controllerId: controllerId().primaryKey(),
    name: pg.text("name").notNull(),
    environment: pg.text("environment").$type<Environment>().notNull(),
    did: pg.text("did").$type<Did>().notNull(),
    /** Which of the secrets that follow from its key its site signs tokens for browsers with. */
    browserSecretVersion: pg.integer("browser_secret_version").notNull().default(1),
    /** The law that requests are answered by unless they say otherwise. */
    regime: pg.text("regime").$type<RightsRegime>().notNull().default("gdpr"),
    /** IANA: in which a deadline's day ends. */
    timeZone: pg.text("time_zone").notNull().default("UTC"),
    /** Whose holidays are no business days: `US`, `DE-BY`. */
    holidays: pg.text("holidays").notNull().default("US"),
    /** The period that it publishes under India's DPDP Rules. */
    dpdpDays: pg.integer("dpdp_days").notNull().default(90),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  () => [isolation(appRole), across(intakeRole, "select")],
);

/** A controller's keys, wrapped under the master key; `wrapped` is null once destroyed. */
export const controllerKey = lethe.table(
  "controller_key",
  {
    controllerId: controllerId(),
    purpose: pg.text("purpose").notNull(),
    version: pg.integer("version").notNull(),
    masterVersion: pg.integer("master_version").notNull(),
    wrapped: bytea("wrapped"),
    /** Ed25519 public key (raw 32 bytes) of signing keys. */
    publicKey: bytea("public_key"),
    createdAt: instant("created_at").notNull().defaultNow(),
    destroyedAt: instant("destroyed_at"),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.purpose, t.version] }),
    pg.foreignKey({ columns: [t.controllerId], foreignColumns: [controller.controllerId] }),
    isolation(appRole),
    isolation(intakeRole),
  ],
);

/** One controller's configured instance of a connector. */
export const connection = lethe.table(
  "connection",
  {
    controllerId: controllerId(),
    id: pg.uuid("id").$type<ConnectionId>().notNull(),
    connector: pg.text("connector").notNull(),
    account: pg.text("account"),
    status: pg.text("status").$type<"active" | "uninstalled" | "removed">().notNull().default("active"),
    /** Sealed JSON: `[{ value, expiresAt }]`, newest first. */
    secrets: bytea("secrets").notNull(),
    credentials: bytea("credentials"),
    /** What a configurable connector is configured with. */
    configuration: pg.jsonb("configuration"),
    /** Which of the company's own lists there are which purposes: `{ "topic_7": "product_news" }`. */
    purposes: pg.jsonb("purposes").$type<Readonly<Record<string, Purpose>>>().notNull().default({}),
    /** ISO 3166-1 alpha-2: how to read phone numbers without a country code. */
    region: pg.text("region"),
    createdAt: instant("created_at").notNull().defaultNow(),
    /** Grows with every change, so that a cached copy can tell that it is old. */
    revision: pg.integer("revision").notNull().default(1),
  },
  (t) => [
    pg.primaryKey({ columns: [t.controllerId, t.id] }),
    pg.foreignKey({ columns: [t.controllerId], foreignColumns: [controller.controllerId] }),
    pg.index("connection_account").on(t.controllerId, t.connector, t.account),
    isolation(appRole),
    across(intakeRole, "select"),
  ],
);
