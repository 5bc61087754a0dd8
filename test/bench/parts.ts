import type { Part } from "./part.ts";
import { acks } from "./parts/acks.ts";
import { audit } from "./parts/audit.ts";
import { burst } from "./parts/burst.ts";
import { controllers } from "./parts/controllers.ts";
import { growth } from "./parts/growth.ts";
import { memory } from "./parts/memory.ts";
import { processing } from "./parts/processing.ts";
import { sealing } from "./parts/sealing.ts";

/** In the order in which they are run. */
export const PARTS: readonly Part[] = [sealing, audit, acks, processing, burst, controllers, memory, growth];
