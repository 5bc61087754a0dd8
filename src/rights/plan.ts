import { v4 as uuid } from "uuid";
import type { ControllerTransaction } from "#database";
import type { Connector } from "#kit";
import {
  type ConnectionId,
  type Purpose,
  type RightsKind,
  RightsTaskId,
  type RightsTaskReason,
} from "#schemas";
import type { RightsRequest } from "./request.ts";
import { settledEvent } from "./settle.ts";
import { type Task, tasksOf } from "./task.ts";

/** A platform at which a request is to be carried out, by a run of its own. */
export interface PlannedTask {
  readonly taskId: RightsTaskId;
  readonly connectionId: ConnectionId;
  readonly round: number;
}

interface Place {
  readonly connectionId: ConnectionId;
  readonly connector: string;
  readonly active: boolean;
  readonly hasCredentials: boolean;
  /** Which of the company's own lists there are which purposes. */
  readonly purposes: Readonly<Record<string, Purpose>>;
  /** The platform has spoken of the person. */
  readonly knows: boolean;
  /** When it last told of them. */
  readonly newsAt: string | null;
}

type Hopeless = { readonly status: "manual" | "unsupported"; readonly reason: RightsTaskReason };

/**
 * One task for each connection that knows the person, and for each whose platform can be asked whether it does: it may have had
 * them since before it was connected. What nobody can do through an API is recorded at once as exactly that. And one
 * task for the hub itself, which comes last. Planned again, it adds what became known meanwhile: connections that have spoken of
 * the person since; and the task of one that told of them after it had ended is opened again. `stopped`: what the person no longer wants.
 */
export async function planTasks(
  tx: ControllerTransaction,
  connectors: ReadonlyMap<string, Connector>,
  request: RightsRequest,
  stopped: readonly Purpose[] = [],
): Promise<PlannedTask[]> {
  const { sql, controllerId } = tx;
  const places = request.scope === "account" ? [] : await placesOf(tx, request);
  const tasks = new Map(
    (await tasksOf(tx, { requests: [request.id] })).map((task) => [task.connectionId, task] as const),
  );
  const planned: PlannedTask[] = [];
  for (const place of places) {
    const task = tasks.get(place.connectionId);
    if (task !== undefined) {
      if (isStale(task, place)) planned.push(await openAgain(tx, task, place.connectionId));
      continue;
    }
    const connector = connectors.get(place.connector);
    const hopeless = hopelessAt(place, connector, request.kind, stopped);
    if (!place.knows && !isAskable(place, connector, request.kind)) continue;
    const id = RightsTaskId.parse(uuid());
    const ended = place.knows ? hopeless : undefined;
    await sql`insert into rights_task (controller_id, id, request_id, connection_id, status, reason, settled_at)
      values (${controllerId}, ${id}, ${request.id}, ${place.connectionId}, ${ended?.status ?? "open"}, ${ended?.reason ?? null},
        ${ended === undefined ? null : new Date().toISOString()})`;
    if (ended === undefined) planned.push({ taskId: id, connectionId: place.connectionId, round: 0 });
    else await settledEvent(tx, request, { ...place, id }, ended, { actor: "hub" });
  }
  if (!tasks.has(null))
    await sql`insert into rights_task (controller_id, id, request_id) values (${controllerId}, ${uuid()}, ${request.id})`;
  return planned;
}

/** The platform told of the person after its task had ended: it may be of its own erasure, or that it has them again. */
const isStale = ({ settledAt, status, reason }: Task, { newsAt }: Place): boolean =>
  settledAt !== null &&
  newsAt !== null &&
  Date.parse(newsAt) > Date.parse(settledAt) &&
  // What somebody sees to, or has seen to, is theirs.
  ![status === "manual", reason === "by_hand", reason === "given_up"].includes(true);

async function openAgain(
  { sql, controllerId }: ControllerTransaction,
  { id }: Task,
  connectionId: ConnectionId,
): Promise<PlannedTask> {
  const [row] = await sql<{ round: number }[]>`
    update rights_task set status = 'open', reason = null, settled_at = null, announced_at = now(), round = round + 1
    where controller_id = ${controllerId} and id = ${id} returning round`;
  return { taskId: id, connectionId, round: row?.round ?? 0 };
}

/** Whether a platform that has not spoken of the person can be asked if it knows them: what it cannot do is somebody's then. */
function isAskable(
  { active, hasCredentials }: Place,
  connector: Connector | undefined,
  kind: RightsKind,
): boolean {
  return active && hasCredentials && connector?.rights !== undefined && !byConsent(kind);
}

/** Rights that are fulfilled by what platforms hold of the person's choices. */
export const byConsent = (kind: RightsKind): boolean =>
  kind === "objection" || kind === "restriction" || kind === "opt_out_of_sale";

/** Purposes that a person may object to at any time (GDPR Art. 21(2), (3)), or that are not to go on while it is restricted. */
const OBJECTED: readonly Purpose[] = [
  "email_marketing",
  "sms_marketing",
  "whatsapp_marketing",
  "phone_marketing",
  "postal_marketing",
  "profiling",
  "sale_or_sharing",
];

/** What a person who exercises such a right no longer wants; `own` are the purposes that the controller has added. */
export const stoppedBy = (kind: RightsKind, own: readonly Purpose[]): readonly Purpose[] =>
  kind === "opt_out_of_sale" ? ["sale_or_sharing"] : byConsent(kind) ? [...OBJECTED, ...own] : [];

function hopelessAt(
  place: Place,
  connector: Connector | undefined,
  kind: RightsKind,
  stopped: readonly Purpose[],
): Hopeless | undefined {
  const manual = (reason: RightsTaskReason) => ({ status: "manual", reason }) as const;
  if (!place.active) return manual("not_connected");
  // A connector that is not installed may come back: the task is tried, and fails with what to do.
  if (connector === undefined) return undefined;
  if (byConsent(kind)) {
    const tied = connector.consent === undefined ? [] : Object.values(place.purposes);
    const held: readonly Purpose[] = [...(connector.consent?.purposes ?? []), ...tied];
    if (stopped.some((purpose) => held.includes(purpose)))
      return place.hasCredentials ? undefined : manual("no_credentials");
    return kind === "restriction" ? manual("no_api") : { status: "unsupported", reason: "purpose_not_held" };
  }
  const needed = kind === "erasure" ? "erasure" : kind === "rectification" ? "rectification" : "access";
  if (connector.rights?.can.includes(needed) !== true) return manual("no_api");
  return place.hasCredentials ? undefined : manual("no_credentials");
}

/** Every connection that knows the person, in use or not, and every other one that could be asked. */
function placesOf(
  { sql, controllerId }: ControllerTransaction,
  { subjectId, connectionId }: RightsRequest,
): Promise<Place[]> {
  return sql<Place[]>`
    with family as (
      select id from subject where controller_id = ${controllerId} and (id = ${subjectId} or merged_into = ${subjectId})
    ), knowing as (
      select connection_id as id, max(at) as news from (
        select connection_id, first_seen_at as at from identifier_source where controller_id = ${controllerId} and subject_id in (select id from family)
        union all
        select connection_id, recorded_at from consent_record
        where controller_id = ${controllerId} and subject_id in (select id from family) and connection_id is not null
        union all
        select connection_id, recorded_at from processing_activity where controller_id = ${controllerId} and subject_id in (select id from family)) as told
      group by 1
    )
    select n.id as "connectionId", n.connector, n.status = 'active' as active, n.credentials is not null as "hasCredentials", n.purposes,
      (n.id in (select id from knowing) or n.id is not distinct from ${connectionId}::uuid) as knows, (select news from knowing k where k.id = n.id) as "newsAt"
    from connection n where n.controller_id = ${controllerId}
      and (n.id in (select id from knowing) or n.id is not distinct from ${connectionId}::uuid or n.status = 'active' and n.credentials is not null)
    order by n.created_at, n.id`;
}

/** Whether a connection's platform has spoken of the person whose request it is. */
export async function hasSpokenOf(
  { sql, controllerId }: ControllerTransaction,
  { subjectId }: RightsRequest,
  connectionId: ConnectionId,
): Promise<boolean> {
  const rows = await sql`
    select from identifier_source i join subject s on s.controller_id = i.controller_id and s.id = i.subject_id
    where i.controller_id = ${controllerId} and i.connection_id = ${connectionId} and (s.id = ${subjectId} or s.merged_into = ${subjectId}) limit 1`;
  return rows.length > 0;
}
