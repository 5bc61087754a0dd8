import type { ControllerTransaction, Pause } from "#database";
import type {
  ConnectionId,
  DenialReason,
  ExtensionReason,
  RightsKind,
  RightsRegime,
  RightsRequestId,
  RightsSource,
  RightsStatus,
  RightsVerification,
  SubjectId,
} from "#schemas";

/** A request as it stands. Times are ISO 8601 in UTC. */
export interface RightsRequest {
  readonly id: RightsRequestId;
  readonly source: RightsSource;
  /** The connection that it came through. */
  readonly connectionId: ConnectionId | null;
  readonly connector: string | null;
  readonly kind: RightsKind;
  readonly scope: "subject" | "account";
  readonly regime: RightsRegime;
  /** Whose it is by now: merges may have come since. */
  readonly subjectId: SubjectId | null;
  readonly status: RightsStatus;
  readonly verification: RightsVerification | null;
  readonly denialReason: DenialReason | null;
  readonly extensionReason: ExtensionReason | null;
  readonly receivedAt: string;
  readonly acknowledgedAt: string | null;
  readonly verifiedAt: string | null;
  readonly closedAt: string | null;
  readonly pauses: readonly Pause[];
  readonly platformDays: number | null;
  readonly acknowledgeBy: string | null;
  readonly dueAt: string | null;
  readonly clockRound: number;
  readonly hasDetails: boolean;
  /** A file was made that nobody has taken yet. */
  readonly hasFile: boolean;
}

type Times = "receivedAt" | "acknowledgedAt" | "verifiedAt" | "closedAt" | "acknowledgeBy" | "dueAt";

/** Requests by their ids, or those that `where` leaves; the most urgent first. */
export async function findRequests(
  tx: ControllerTransaction,
  by: { ids?: readonly string[]; subject?: string; open?: boolean; limit: number; lock?: boolean },
): Promise<RightsRequest[]> {
  const { sql, controllerId } = tx;
  const { ids = null, subject = null, open = false, limit, lock = false } = by;
  const rows = await sql<RightsRequest[]>`
    select r.id, r.source, r.connection_id as "connectionId", n.connector, r.kind, r.scope, r.regime, coalesce(s.merged_into, r.subject_id) as "subjectId",
      r.status, r.verification, r.denial_reason as "denialReason", r.extension_reason as "extensionReason", r.received_at as "receivedAt",
      r.acknowledged_at as "acknowledgedAt", r.verified_at as "verifiedAt", r.closed_at as "closedAt", r.pauses, r.platform_days as "platformDays",
      r.acknowledge_by as "acknowledgeBy", r.due_at as "dueAt", r.clock_round as "clockRound", r.details is not null as "hasDetails",
      exists (select from rights_bundle b where b.controller_id = r.controller_id and b.request_id = r.id and b.downloads = 0) as "hasFile"
    from rights_request r
    left join subject s on s.controller_id = r.controller_id and s.id = r.subject_id
    left join connection n on n.controller_id = r.controller_id and n.id = r.connection_id
    where r.controller_id = ${controllerId}
      and (${ids === null ? null : [...ids]}::uuid[] is null or r.id = any(${ids === null ? null : [...ids]}::uuid[]))
      and (${subject}::uuid is null or r.subject_id = ${subject}::uuid or s.merged_into = ${subject}::uuid)
      and (not ${open} or r.closed_at is null)
    order by r.closed_at is not null, r.due_at nulls last, r.received_at, r.id limit ${limit} ${lock ? sql`for update of r` : sql``}`;
  return rows.map((row) => {
    const iso = (name: Times) => (row[name] === null ? null : new Date(row[name]).toISOString());
    return {
      ...row,
      receivedAt: new Date(row.receivedAt).toISOString(),
      ...{ acknowledgedAt: iso("acknowledgedAt"), verifiedAt: iso("verifiedAt"), closedAt: iso("closedAt") },
      ...{ acknowledgeBy: iso("acknowledgeBy"), dueAt: iso("dueAt") },
    };
  });
}

/** One request, locked until the transaction ends: nobody else moves it meanwhile. */
export async function lockRequest(tx: ControllerTransaction, id: string): Promise<RightsRequest | undefined> {
  const [found] = await findRequests(tx, { ids: [id], limit: 1, lock: true });
  return found;
}

export async function findRequest(tx: ControllerTransaction, id: string): Promise<RightsRequest | undefined> {
  const [found] = await findRequests(tx, { ids: [id], limit: 1 });
  return found;
}
