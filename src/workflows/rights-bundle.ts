import { listActivities } from "#activities";
import { listPurposes, showConsents } from "#consent";
import type { ControllerTransaction } from "#database";
import { listSubjects } from "#identity";
import {
  buildBundle,
  type HubKnowledge,
  listRightsRequests,
  openParts,
  passphraseFor,
  type RightsRequest,
  rightsSettings,
  rightToComplain,
  tasksOf,
} from "#rights";
import type { ConnectionId, ControllerId } from "#schemas";
import type { ControllerKeys } from "#vault";
import type { WorkflowRooms } from "./index.ts";

const ALL = 1_000_000;

/** What the hub knows of a person and what every platform gave, in one file that only they can open. */
export async function makeBundle(
  { database, connectors }: WorkflowRooms,
  keys: ControllerKeys,
  controllerId: ControllerId,
  request: RightsRequest,
): Promise<Uint8Array> {
  const gathered = await database.inController(controllerId, async (tx) => {
    const [{ name, timeZone }, names, parts, tasks] = await Promise.all([
      rightsSettings(tx),
      connectionNames(tx),
      openParts(tx, keys, request.id),
      tasksOf(tx, { requests: [request.id] }),
    ]);
    const nameOf = (connector: string) => connectors.get(connector)?.name ?? connector;
    const connections = names.map(({ id, connector }) => ({ id, name: nameOf(connector) }));
    const platforms = tasks.flatMap(({ id, connectionId, connector, status, reason }) =>
      connectionId === null || connector === null || status === "open" || status === "asked"
        ? []
        : {
            ...{
              connectionId,
              name: nameOf(connector),
              outcome: status,
              byHand: reason === "by_hand",
              alreadySo: reason === "already_so",
              putOff: reason === "put_off",
            },
            sets: parts.get(id) ?? [],
          },
    );
    return { name, timeZone, connections, platforms, knowledge: await knowledgeOf(tx, request) };
  });
  const { name, timeZone, connections, platforms, knowledge } = gathered;
  return buildBundle({
    request: {
      id: request.id,
      kind: request.kind === "portability" ? "portability" : "access",
      receivedAt: request.receivedAt,
    },
    controller: { name, timeZone, statements: { complaint: rightToComplain(request.regime) } },
    hub: { ...knowledge, connections },
    platforms,
    passphrase: passphraseFor(keys, request.id),
    issuedAt: new Date().toISOString(),
  });
}

async function knowledgeOf(
  tx: ControllerTransaction,
  { subjectId, id }: RightsRequest,
): Promise<Omit<HubKnowledge, "connections">> {
  const purposes = await listPurposes(tx);
  const requests = await listRightsRequests(tx, {
    limit: ALL,
    ...(subjectId === null ? { ids: [id] } : { subject: subjectId }),
  });
  if (subjectId === null) return { subject: null, activities: [], consents: [], purposes, requests };
  const [subjects, activities, consents] = await Promise.all([
    listSubjects(tx, { id: subjectId, limit: 1 }),
    listActivities(tx, { subject: subjectId, limit: ALL }),
    showConsents(tx, subjectId),
  ]);
  return { subject: subjects[0] ?? null, activities, consents, purposes, requests };
}

function connectionNames({ sql, controllerId }: ControllerTransaction) {
  return sql<{ id: ConnectionId; connector: string }[]>`
    select id, connector from connection where controller_id = ${controllerId}`;
}
