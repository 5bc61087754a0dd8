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
}

type Hopeless = { readonly status: "manual" | "unsupported"; readonly reason: RightsTaskReason };

/**
 * One task for each connection that knows the person, and for each whose platform can be asked whether it does: it may have had
 * them since before it was connected. What nobody can do through an API is recorded at once as exactly that. And one
 * task for the hub itself, which comes last. To plan twice does no harm.
 */
export async function planTasks(
  tx: ControllerTransaction,
  connectors: ReadonlyMap<string, Connector>,
  request: RightsRequest,
): Promise<PlannedTask[]> {
  const { sql, controllerId } = tx;
  const places = request.scope === "account" ? [] : await placesOf(tx, request);
  const drafts = places.flatMap((place) => {
    const connector = connectors.get(place.connector);
    const hopeless = hopelessAt(place, connector, request.kind);
    if (!place.knows && (hopeless !== undefined || byConsent(request.kind))) return [];
    return [{ ...place, id: RightsTaskId.parse(uuid()), hopeless }];
  });
  for (const { id, connectionId, connector, hopeless } of drafts) {
    await sql`insert into rights_task (controller_id, id, request_id, connection_id, status, reason, settled_at)
      values (${controllerId}, ${id}, ${request.id}, ${connectionId}, ${hopeless?.status ?? "open"}, ${hopeless?.reason ?? null},
        ${hopeless === undefined ? null : new Date().toISOString()})`;
    if (hopeless !== undefined)
      await settledEvent(tx, request, { id, connectionId, connector }, hopeless, { actor: "hub" });
  }
  await sql`insert into rights_task (controller_id, id, request_id) values (${controllerId}, ${uuid()}, ${request.id})`;
  return drafts
    .filter(({ hopeless }) => hopeless === undefined)
    .map(({ id, connectionId }) => ({ taskId: id, connectionId, round: 0 }));
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

/** What a person who exercises such a right no longer wants. */
export const stoppedBy = (kind: RightsKind): readonly Purpose[] =>
  kind === "opt_out_of_sale" ? ["sale_or_sharing"] : byConsent(kind) ? OBJECTED : [];

function hopelessAt(place: Place, connector: Connector | undefined, kind: RightsKind): Hopeless | undefined {
  const manual = (reason: RightsTaskReason) => ({ status: "manual", reason }) as const;
  if (!place.active) return manual("not_connected");
  // A connector that is not installed may come back: the task is tried, and fails with what to do.
  if (connector === undefined) return undefined;
  if (byConsent(kind)) {
    const tied = connector.consent === undefined ? [] : Object.values(place.purposes);
    const held: readonly Purpose[] = [...(connector.consent?.purposes ?? []), ...tied];
    if (stoppedBy(kind).some((purpose) => held.includes(purpose)))
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
      select distinct connection_id as id from identifier_source where controller_id = ${controllerId} and subject_id in (select id from family)
    )
    select n.id as "connectionId", n.connector, n.status = 'active' as active, n.credentials is not null as "hasCredentials", n.purposes,
      (n.id in (select id from knowing) or n.id is not distinct from ${connectionId}::uuid) as knows
    from connection n where n.controller_id = ${controllerId}
      and (n.id in (select id from knowing) or n.id is not distinct from ${connectionId}::uuid or n.status = 'active' and n.credentials is not null)
    order by n.created_at, n.id`;
}
