import postgres from "postgres";
import { signedOrder } from "./orders.ts";

/**
 * So many writers, each of whom inserts one row, waits for its commit, and again: once as bare statements through
 * one pool, once as transactions in sessions of their own. Argument: JSON with the server's options, how
 * many writers, and for how many seconds. Prints both rates, in transactions per second, as JSON.
 */
const { server, sessions, seconds } = JSON.parse(process.argv[2] ?? "{}");
const { body } = signedOrder(1, "secret");
const options = { ...server, fetch_types: false, onnotice: () => {} };
// A few sessions with the statements of many writers in flight: the driver's best.
const sql = postgres({ ...options, max: 16 });
await sql`create table if not exists bench_insert (id bigint generated always as identity primary key, body text not null)`;
const insert = (session: postgres.Sql) => session`insert into bench_insert (body) values (${body})`;
const pooled = await rate(sql, insert);
await sql.end(); // a server has a hundred sessions, and the hub has its own
const alone = Array.from({ length: sessions }, () => postgres({ ...options, max: 1 }));
const whole = await rate(alone, async (session) => {
  await session`begin`;
  await insert(session);
  await session`commit`;
});
for (const session of alone.slice(0, 1)) await session`drop table bench_insert`;
process.stdout.write(JSON.stringify({ pooled, whole }), () => process.exit());

async function rate(
  given: postgres.Sql | postgres.Sql[],
  work: (session: postgres.Sql) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const began = performance.now();
  const until = began + seconds * 1_000;
  const writers = Array.isArray(given) ? given : Array.from({ length: sessions }, () => given);
  await Promise.all(
    writers.map(async (session) => {
      for (; performance.now() < until; done++) await work(session);
    }),
  );
  return (done * 1_000) / (performance.now() - began);
}
