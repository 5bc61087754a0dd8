import type { ControllerId, DeliveryId, Sealed } from "#schemas";
import { type ControllerKeys, open, seal } from "#vault";

/** What processing needs of a request: its body as it came, and what its envelope said. */
export interface StoredRequest {
  readonly about: {
    /** Which of the connector's doors it came through. */
    readonly door: number;
    readonly topic: string | undefined;
    readonly account: string | undefined;
    readonly occurredAt: string | undefined;
    readonly environment: "live" | "sandbox" | undefined;
  };
  readonly body: Uint8Array;
}

/** Seals a request under a data key of its own: length of the envelope (4 bytes) ‖ envelope as JSON ‖ raw body. */
export function sealRequest(
  keys: ControllerKeys,
  controllerId: ControllerId,
  deliveryId: DeliveryId,
  request: StoredRequest,
): Sealed<StoredRequest> {
  const about = Buffer.from(JSON.stringify(request.about), "utf8");
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(about.length, 0);
  return seal(
    keys.current("seal"),
    context(controllerId, deliveryId),
    Buffer.concat([length, about, request.body]),
  );
}

/** Opens it again. Throws `vault/cannot-open`. */
export function openRequest(
  keys: ControllerKeys,
  controllerId: ControllerId,
  deliveryId: DeliveryId,
  sealed: Sealed<StoredRequest>,
): StoredRequest {
  const bytes = Buffer.from(
    open((version) => keys.version("seal", version), context(controllerId, deliveryId), sealed),
  );
  const end = 4 + bytes.readUInt32BE(0);
  return { about: JSON.parse(bytes.toString("utf8", 4, end)), body: bytes.subarray(end) };
}

const context = (controllerId: ControllerId, deliveryId: DeliveryId) => ({
  purpose: "delivery",
  controllerId,
  recordId: deliveryId,
});
