import { createRequire } from "node:module";

/**
 * Drizzle through `require`: its package.json has 180 KB of exports, which Node parses anew for every ES
 * module of the package (+240 ms and +150 MB at start, measured on Node 24). The CommonJS build is the same code.
 */
const require = createRequire(import.meta.url);

export const { drizzle } = require("drizzle-orm/postgres-js") as typeof import("drizzle-orm/postgres-js");
export const { migrate } =
  require("drizzle-orm/postgres-js/migrator") as typeof import("drizzle-orm/postgres-js/migrator");
export const { readMigrationFiles } =
  require("drizzle-orm/migrator") as typeof import("drizzle-orm/migrator");
export const { and, eq, ne, sql } = require("drizzle-orm") as typeof import("drizzle-orm");
export const pg = require("drizzle-orm/pg-core") as typeof import("drizzle-orm/pg-core");
