import postgres from "postgres";
import { signedOrder } from "./orders.ts";

/**
 * As pgbench would: each of so many sessions inserts one row, waits for its commit, and again. Argument: JSON with
 * the server's options, how many sessions, and for how many seconds. Prints transactions per second.
 */
const { server, sessions, seconds } = JSON.parse(process.argv[2] ?? "{}");
const { body } = signedOrder(1, "secret");
const sql = postgres({ ...server, max: sessions, fetch_types: false, onnotice: () => {} });
await sql`create table if not exists bench_insert (id bigint generated always as identity primary key, body text not null)`;
let done = 0;
const until = performance.now() + seconds * 1_000;
const began = performance.now();
await Promise.all(
  Array.from({ length: sessions }, async () => {
    while (performance.now() < until) {
      await sql`insert into bench_insert (body) values (${body})`;
      done += 1;
    }
  }),
);
const rate = (done * 1_000) / (performance.now() - began);
await sql`drop table bench_insert`;
await sql.end();
process.stdout.write(`${rate}\n`);
