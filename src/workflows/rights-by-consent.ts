import { listPushes } from "#consent";
import type { ControllerTransaction } from "#database";
import type { Outcome, RightsRequest, Task } from "#rights";
import type { PushView } from "#schemas";

/**
 * What became of an objection, a restriction or an opt-out at a platform: what became of bringing it in step with what the person
 * no longer wants. Undefined while that is under way; `last`: it is not waited for any longer.
 */
export async function consentOutcome(
  tx: ControllerTransaction,
  { subjectId, kind }: RightsRequest,
  { connectionId }: Task,
  last: boolean,
): Promise<Outcome | undefined> {
  if (subjectId === null) return { status: "not_found" };
  if (await isPlanning(tx, subjectId)) return last ? { status: "failed" } : undefined;
  const pushes = await listPushes(tx, { subject: subjectId, limit: 10_000 });
  // The last of each purpose counts: newest first.
  const latest = new Map<string, PushView>();
  for (const push of pushes)
    if (push.connection === connectionId && push.status !== "void" && !latest.has(push.purpose))
      latest.set(push.purpose, push);
  const concerned = [...latest.values()].filter(
    ({ state, purpose }) =>
      state === "withdrawn" && (kind !== "opt_out_of_sale" || purpose === "sale_or_sharing"),
  );
  const has = (status: PushView["status"]) => concerned.find((push) => push.status === status);
  if (has("open") !== undefined) return last ? { status: "failed" } : undefined;
  const failed = has("failed");
  if (failed !== undefined) return { status: "failed", ...faultOf(failed) };
  const manual = concerned.find(({ status, reason }) => status === "manual" && reason !== "not_found");
  if (manual !== undefined)
    return {
      status: "manual",
      reason: manual.reason === "no_credentials" ? "no_credentials" : "left_to_somebody",
    };
  if (concerned.some(({ reason }) => reason === "not_found")) return { status: "not_found" };
  if (has("done") !== undefined && !last) return undefined;
  // Marketing is what a platform can be told to stop; the rest of what it does is not stopped by that (GDPR Art. 18).
  if (kind === "restriction") return { status: "manual", reason: "marketing_only" };
  if (has("done") !== undefined) return { status: "done" };
  // Without any push the platform held it already, by its own reports.
  return has("done_verified") === undefined
    ? { status: "done", reason: "already_so" }
    : { status: "done_verified" };
}

function faultOf({ error }: PushView): Pick<Outcome, "error"> {
  const [code = "consent/failed", ...text] = (error ?? "").split(": ");
  return { error: { code, message: text.join(": ") } };
}

async function isPlanning({ sql, controllerId }: ControllerTransaction, subject: string): Promise<boolean> {
  const rows =
    await sql`select from consent_due d join subject s on s.controller_id = d.controller_id and s.id = d.subject_id
    where d.controller_id = ${controllerId} and (s.id = ${subject} or s.merged_into = ${subject}) limit 1`;
  return rows.length > 0;
}
