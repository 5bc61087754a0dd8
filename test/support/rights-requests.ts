import { expect } from "vitest";
import type { ControllerTransaction } from "#database";
import {
  completeTask,
  type Details,
  findTask,
  lockRequest,
  type NewRequest,
  type RightsRequest,
  sealNote,
  showRightsRequest,
} from "#rights";
import type { ControllerId, RightsCaseView, RightsRequestId, RightsTaskView } from "#schemas";
import type { ControllerKeys } from "#vault";
import { announceSettled, approveRights, openRights, verifyRights } from "#workflows";
import type { TestRooms } from "./rooms.ts";

/** What a test says of a request: the rest is as of a letter of today, by the GDPR. */
export type GivenRequest = Pick<NewRequest, "kind"> &
  Partial<Omit<NewRequest, "details">> & { readonly details?: Partial<Details> };

export interface RightsDesk {
  /** Records a request, as an operator does, or the route; resolves with its id. */
  open(given: GivenRequest): Promise<RightsRequestId>;
  /** One that an operator has vouched for and approved, once the hub has begun with it. */
  approved(given: GivenRequest): Promise<RightsRequestId>;
  /** Moves a request as a command does: in one transaction, the request locked. */
  act<T>(
    id: RightsRequestId,
    move: (tx: ControllerTransaction, request: RightsRequest, keys: ControllerKeys) => Promise<T>,
  ): Promise<T>;
  show(id: RightsRequestId): Promise<RightsCaseView>;
  /** What became of it on each platform, and at the hub: status and reason. */
  outcomes(id: RightsRequestId): Promise<Record<string, string>>;
  taskAt(connector: string, id: RightsRequestId): Promise<RightsTaskView>;
  /** Somebody did it by hand at a platform, or gives it up. */
  byHand(id: RightsRequestId, connector: string, outcome: "done" | "failed"): Promise<void>;
  /** Waits, fifteen seconds at most. */
  until(id: RightsRequestId, status: RightsCaseView["status"]): Promise<void>;
}

/** Requests of the people of one controller, moved by hand. */
export function openRightsDesk(
  { database, ring }: TestRooms,
  controllerId: ControllerId,
  email: string,
): RightsDesk {
  const desk: RightsDesk = { open, approved, act, show, outcomes, taskAt, byHand, until };
  return desk;

  async function open({ details, ...given }: GivenRequest): Promise<RightsRequestId> {
    const keys = await ring.keys(controllerId);
    const person = { emails: [email], phones: [], platformIds: [], region: null, corrections: null };
    return database.inController(controllerId, async (tx) => {
      const { id } = await openRights(tx, keys, {
        ...{ source: "operator", actor: "operator", scope: "subject", regime: "gdpr", platformDays: null },
        ...{ subjectId: null, connectionId: null, delivery: null, receivedAt: new Date().toISOString() },
        ...{ ...given, details: { ...person, ...details } },
      });
      return id;
    });
  }

  async function approved(given: GivenRequest): Promise<RightsRequestId> {
    const id = await open(given);
    await until(id, "verifying");
    await act(id, (tx, request, keys) => verifyRights(tx, keys, request, "in_person", { actor: "operator" }));
    await act(id, (tx, request) => approveRights(tx, request, { actor: "operator" }));
    return id;
  }

  async function act<T>(id: RightsRequestId, move: Parameters<typeof desk.act<T>>[1]): Promise<T> {
    const keys = await ring.keys(controllerId);
    return database.inController(controllerId, async (tx) => {
      const request = await lockRequest(tx, id);
      if (request === undefined) throw new Error("no request");
      return move(tx, request, keys);
    });
  }

  async function show(id: RightsRequestId): Promise<RightsCaseView> {
    const keys = await ring.keys(controllerId);
    const shown = await database.inController(controllerId, (tx) => showRightsRequest(tx, keys, id));
    if (shown === undefined) throw new Error("no request");
    return shown;
  }

  async function outcomes(id: RightsRequestId): Promise<Record<string, string>> {
    const said = ({ status, reason }: RightsTaskView) => (reason === null ? status : `${status} ${reason}`);
    const { platforms } = await show(id);
    return Object.fromEntries(platforms.map((task) => [task.connector ?? "hub", said(task)]));
  }

  async function taskAt(connector: string, id: RightsRequestId): Promise<RightsTaskView> {
    const found = (await show(id)).platforms.find((task) => task.connector === connector);
    if (found === undefined) throw new Error(`no task at ${connector}`);
    return found;
  }

  async function byHand(id: RightsRequestId, connector: string, outcome: "done" | "failed"): Promise<void> {
    const { id: named } = await taskAt(connector, id);
    await act(id, async (tx, request, keys) => {
      const task = await findTask(tx, named, { lock: true });
      if (task === undefined) throw new Error("no task");
      const note = sealNote(keys, controllerId, task.id, "seen in the app, TICKET-1");
      await completeTask(tx, request, task, { outcome }, { actor: "operator", note });
      await announceSettled(tx, id);
    });
  }

  async function until(id: RightsRequestId, status: RightsCaseView["status"]): Promise<void> {
    await expect.poll(async () => (await show(id)).status, { timeout: 15_000 }).toBe(status);
  }
}
