import postgres from "postgres";
import { signedOrder } from "./orders.ts";

/**
 * As pgbench would: each of so many sessions inserts one row, waits for its commit, and again; once as a bare
 * statement, once between BEGIN and COMMIT as pgbench's own scripts do. Argument: JSON with the server's options,
 * how many sessions, and for how many seconds. Prints both rates, in transactions per second, as JSON.
 */
const { server, sessions, seconds } = JSON.parse(process.argv[2] ?? "{}");
const { body } = signedOrder(1, "secret");
const sql = postgres({ ...server, max: sessions, fetch_types: false, onnotice: () => {} });
await sql`create table if not exists bench_insert (id bigint generated always as identity primary key, body text not null)`;
const insert = (session: postgres.ISql) => session`insert into bench_insert (body) values (${body})`;
const bare = await rate(insert);
const whole = await rate(async (session) => {
  await session`begin`;
  await insert(session);
  await session`commit`;
});
await sql`drop table bench_insert`;
await sql.end();
process.stdout.write(JSON.stringify({ bare, whole }));

async function rate(work: (session: postgres.ISql) => Promise<unknown>): Promise<number> {
  let done = 0;
  const began = performance.now();
  const until = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: sessions }, async () => {
      const session = await sql.reserve();
      for (; performance.now() < until; done++) await work(session);
      session.release();
    }),
  );
  return (done * 1_000) / (performance.now() - began);
}
