import type { ControllerTransaction, Pause } from "#database";
import type { ExtensionReason, RightsRegime, RightsRequestId, Sealed } from "#schemas";
import { type Clock, clockOf } from "./clock/clock.ts";
import { rightsErrors } from "./errors.ts";
import { noteAct } from "./move.ts";
import type { RightsRequest } from "./request.ts";
import { isClosed } from "./states.ts";

/** What a controller's deadlines follow from. */
export interface RightsSettings {
  readonly name: string;
  readonly regime: RightsRegime;
  readonly timeZone: string;
  readonly holidays: string;
  readonly dpdpDays: number;
}

export async function rightsSettings({ sql, controllerId }: ControllerTransaction): Promise<RightsSettings> {
  const [row] = await sql<RightsSettings[]>`
    select name, regime, time_zone as "timeZone", holidays, dpdp_days as "dpdpDays" from controller where controller_id = ${controllerId}`;
  if (row === undefined) throw rightsErrors.unknown();
  return row;
}

/** A request's clock, by what is known of it now. */
export function clockFor(request: RightsRequest, settings: RightsSettings): Clock {
  const { regime, kind, receivedAt, verifiedAt, verification, pauses, platformDays, extensionReason } =
    request;
  // Proof was asked for, unless none is needed; while nobody has begun, it is not yet known whether it will be.
  const asked = verification === null && request.status !== "received";
  return clockOf({
    ...{ regime, kind, receivedAt, pauses, platformDays },
    identityProvenAt: verifiedAt ?? (asked ? null : undefined),
    extended: extensionReason !== null,
    ...{ timeZone: settings.timeZone, holidays: settings.holidays, dpdpDays: settings.dpdpDays },
  });
}

/** A watch to be started over a request's deadlines. */
export interface Watch {
  readonly requestId: RightsRequestId;
  readonly round: number;
}

/** Sets the deadlines anew after what they follow from has changed. The watch over the older ones ends by itself. */
export async function setDeadlines(tx: ControllerTransaction, request: RightsRequest): Promise<Watch> {
  const { acknowledgeBy, answerBy } = clockFor(request, await rightsSettings(tx));
  const { sql, controllerId } = tx;
  const [row] = await sql<{ round: number }[]>`
    update rights_request set acknowledge_by = ${acknowledgeBy}, due_at = ${answerBy}, clock_round = clock_round + 1
    where controller_id = ${controllerId} and id = ${request.id} returning clock_round as round`;
  return { requestId: request.id, round: row?.round ?? 0 };
}

/** More time, with the reason that the person is told. Throws `rights/no-extension`. `now` in milliseconds. */
export async function extendRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: { actor: string; reason: ExtensionReason; note?: Sealed<string> | undefined },
  now: number,
): Promise<Watch> {
  const { mayExtend, extendBefore } = clockFor(request, await rightsSettings(tx));
  if (isClosed(request.status) || !mayExtend || (extendBefore !== null && Date.parse(extendBefore) < now))
    throw rightsErrors.cannotExtend();
  await tx.sql`update rights_request set extension_reason = ${by.reason}
    where controller_id = ${tx.controllerId} and id = ${request.id}`;
  await noteAct(tx, request, "rights.extended", by);
  return setDeadlines(tx, { ...request, extensionReason: by.reason });
}

/** The clock stands still, because the person was asked what they mean. Throws `rights/no-pause`. */
export async function pauseRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: { actor: string; note?: Sealed<string> | undefined },
  now: number,
): Promise<Watch> {
  const { mayPause, paused } = clockFor(request, await rightsSettings(tx));
  if (isClosed(request.status) || !mayPause || paused) throw rightsErrors.cannotPause();
  await noteAct(tx, request, "rights.paused", by);
  return savePauses(tx, request, [...request.pauses, { from: new Date(now).toISOString(), until: null }]);
}

/** They answered. Throws `rights/not-paused`. */
export async function resumeRequest(
  tx: ControllerTransaction,
  request: RightsRequest,
  by: { actor: string; note?: Sealed<string> | undefined },
  now: number,
): Promise<Watch> {
  if (!request.pauses.some(({ until }) => until === null)) throw rightsErrors.notPaused();
  await noteAct(tx, request, "rights.resumed", by);
  const until = new Date(now).toISOString();
  return savePauses(
    tx,
    request,
    request.pauses.map((pause) => (pause.until === null ? { ...pause, until } : pause)),
  );
}

async function savePauses(
  tx: ControllerTransaction,
  request: RightsRequest,
  pauses: readonly Pause[],
): Promise<Watch> {
  await tx.sql`update rights_request set pauses = ${JSON.stringify(pauses)}::text::jsonb
    where controller_id = ${tx.controllerId} and id = ${request.id}`;
  return setDeadlines(tx, { ...request, pauses });
}
