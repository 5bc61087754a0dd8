import { type ControllerTransaction, eq, tables } from "#database";
import type { SubjectId } from "#schemas";
import { type ControllerKeys, keyedHash } from "#vault";
import type { ExpressedChoice } from "./choose.ts";
import { ledgerOf } from "./history.ts";
import type { SignalChoice } from "./signals/choice.ts";
import { currentState } from "./state.ts";

const DAY = 86_400_000;

/**
 * A signal's choice as one of the person's. Of one that tells only the day: if that is today, it counts from when it came;
 * otherwise a refusal counts from the end of the day, and a grant from its beginning. `now` in milliseconds.
 */
export function expressedBy(signal: SignalChoice, now: number): ExpressedChoice {
  const { purpose, state, method, jurisdiction, evidence, occurredAt, precision } = signal;
  const said = occurredAt === undefined ? now : Date.parse(occurredAt);
  const at =
    precision !== "day" ? said : now < said + DAY ? now : state === "granted" ? said : said + DAY - 1;
  return {
    ...{ purpose, state, method, jurisdiction, evidence },
    occurredAt: new Date(Math.min(at, now)).toISOString(),
  };
}

/**
 * What of it is news: not what holds already, and not what the same signal said before. So a browser may say it with
 * every page, two devices may say different things, and Global Privacy Control, once heard, does not undo a consent that the
 * person gave after it (CCPA regulations § 7025(c)(3)).
 */
export async function newsOf(
  tx: ControllerTransaction,
  subject: SubjectId,
  choices: readonly ExpressedChoice[],
): Promise<ExpressedChoice[]> {
  const { sql, controllerId } = tx;
  const said = await sql<{ key: string }[]>`
    select distinct purpose || ' ' || state || ' ' || evidence as key from consent_record
    where controller_id = ${controllerId} and source = 'browser' and subject_id in (
      select ${subject}::uuid union all select id from subject where controller_id = ${controllerId} and merged_into = ${subject})`;
  const known = new Set(said.map(({ key }) => key));
  const { records } = await ledgerOf(tx, [subject]);
  return choices.filter(({ purpose, state, evidence, occurredAt }) => {
    const decision = currentState(records.get(`${subject} ${purpose}`) ?? [])?.record;
    const holds = decision?.nature === "expressed" && decision.state === state;
    const outdated = decision !== undefined && Date.parse(occurredAt) < decision.occurredAt;
    return !known.has(`${purpose} ${state} ${evidence}`) && !holds && !outdated;
  });
}

/**
 * The secret by which a controller's own site vouches for whom a browser's signal is about: it signs tokens with it.
 * It follows from the controller's key and a version, so that there is no secret to store.
 */
export async function browserSecret(tx: ControllerTransaction, keys: ControllerKeys): Promise<string> {
  const [row] = await tx.db
    .select({ version: tables.controller.browserSecretVersion })
    .from(tables.controller)
    .where(eq(tables.controller.controllerId, tx.controllerId));
  const hash = keyedHash(keys.version("mac", 1).key, "browser-tokens", String(row?.version ?? 1));
  return Buffer.from(hash).toString("base64url");
}

/** Another one counts from now on, and no token that was signed with the one before. */
export async function rotateBrowserSecret({ sql, controllerId }: ControllerTransaction): Promise<void> {
  await sql`update controller set browser_secret_version = browser_secret_version + 1 where controller_id = ${controllerId}`;
}
