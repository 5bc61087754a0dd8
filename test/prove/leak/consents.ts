import { inPostgres } from "../../support/search.ts";
import type { Canaries } from "./canaries.ts";
import { somebody, tell } from "./people.ts";
import { until } from "./until.ts";
import { settled } from "./webhooks.ts";
import type { World } from "./world.ts";

/**
 * Choices that an operator takes down and a browser says, of somebody whom every simulated platform has: brought to the platforms,
 * first while they answer, then while they refuse and name people as they do.
 */
export async function changeConsents(world: World, canaries: Canaries): Promise<void> {
  const { rights, lethe, sims, folders, ask } = world;
  const person = somebody(world, canaries, "who changes their mind");
  const { email } = person;
  await tell(world, canaries, "customers-create", person);
  await settled(world);
  const signal = (tell: object) =>
    ask(`/signals/${rights.controller}`, {
      ...{ method: "POST", headers: { "content-type": "application/json", "sec-gpc": "1" } },
      body: JSON.stringify({ person: { email }, ...tell }),
    });
  await signal({});
  const found = await lethe.apart(
    ["subjects", "find", "--controller", rights.controller, "--email", "-", "--json"],
    `${email}\n`,
  );
  const [subject] = JSON.parse(found) as { id: string }[];
  if (subject === undefined) throw new Error("whoever signalled is not known");
  const set = (state: string, ...more: string[]) =>
    lethe.run(["consents", "set", subject.id, "--purpose", "email_marketing", "--state", state, ...more]);
  await set("granted", "--method", "by_phone", "--evidence", "TICKET-4711");
  await noPushIsOpen(world);
  await lethe.apart(["consents", "drift", "--controller", rights.controller, "--subject", subject.id]);
  const reached = sims.filter(({ requests }) => requests.length > 0).length;
  if (reached < 2) throw new Error(`only ${reached} platforms were brought in step`);

  const before = sims.reduce((sum, { requests }) => sum + requests.length, 0);
  for (const [index, sim] of sims.entries()) sim.fail({ status: index % 2 === 0 ? 422 : 503 });
  await lethe.run(
    [
      ...["consents", "set", subject.id, "--purpose", "email_marketing", "--state", "withdrawn"],
      ...["--evidence", `"${canaries.email("a reference that is refused")}"`],
    ],
    { fails: true },
  );
  await set("withdrawn", "--method", "in_writing");
  await until(
    "platforms refuse",
    () => sims.reduce((sum, { requests }) => sum + requests.length, 0) > before,
  );
  await until("a refusal is noted", () =>
    inPostgres(folders.data, async (sql) => {
      const [row] = await sql<{ open: number; all: number }[]>`
        select count(*) filter (where status = 'open')::int as open, count(*)::int as all
        from consent_push where controller_id = ${rights.controller}`;
      return row !== undefined && row.open < row.all;
    }),
  );
  for (const sim of sims) sim.fail();
}

const noPushIsOpen = ({ folders, rights }: World) =>
  until("platforms are brought in step", () =>
    inPostgres(folders.data, async (sql) => {
      const open = await sql`
        select from consent_push where controller_id = ${rights.controller} and status = 'open'`;
      return open.count === 0;
    }),
  );
