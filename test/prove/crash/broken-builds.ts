import type { BrokenBuild } from "../harness.ts";

const INBOX = "src/intake/inbox.ts";
const PROCESS = "src/workflows/process-delivery.ts";

/**
 * Most are found out by the first boundary, or by the first kill of PostgreSQL. Where a boundary is in the same place, its text stays: the
 * hub's own death is put there afterwards.
 */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    what: "has the effects again of what is done",
    by: /with effects or events more than once/,
    seconds: 1,
    changes: [
      {
        file: "src/intake/pending.ts",
        at: "and status = 'received'\n      order by id",
        instead: "order by id",
      },
      {
        file: "src/activities/record.ts",
        at: "as t(d, o, s, c, a, p, l, k, r, t)`",
        instead: "as t(d, o, s, c, a, p, l, k, r, t) on conflict do nothing`",
      },
    ],
  },
  {
    what: "acknowledges at once, and writes fifty milliseconds later",
    by: /acknowledged, and not in the inbox/,
    seconds: 1,
    changes: [
      {
        file: INBOX,
        at: "if (queue.flushing < MAX_FLUSHES) void flush(controllerId);",
        instead: `resolve("accepted");
          setTimeout(() => queue.flushing < MAX_FLUSHES && flush(controllerId), 50);`,
      },
    ],
  },
  {
    what: "never shreds",
    by: /processed, and the payload still there/,
    seconds: 1,
    changes: [
      { file: PROCESS, at: 'await step.run("shred", () => shred(rooms, controllerId, ids));', instead: "" },
    ],
  },
  {
    what: "announces a delivery after it has answered",
    by: /not processed, or without its records or events/,
    seconds: 60,
    changes: [
      {
        file: INBOX,
        at: "from stored order by id -- as they arrived",
        instead: "from stored where false",
      },
      {
        file: INBOX,
        at: "options.stored();",
        instead: `for (const { delivery } of batch)
          if (accepted.has(delivery.id)) {
            const data = { controllerId, deliveryId: delivery.id };
            await database.inController(
              controllerId,
              ({ sql }) => sql\`insert into runtime_event (controller_id, id, name, data)
                values (\${controllerId}, \${delivery.id}, 'delivery/received', \${JSON.stringify(data)}::text::jsonb)\`,
              { as: "lethe_intake" },
            );
          }
        options.stored();`,
      },
    ],
  },
  {
    what: "shreds in one commit and says so in another",
    by: /not processed, or without its records or events/,
    seconds: 60,
    changes: [
      {
        file: PROCESS,
        at: "await rooms.database.inController(controllerId, async (tx) => {\n    const shredded",
        instead: `const gone = await rooms.database.inController(controllerId, (tx) => shredPayloads(tx, ids));
          await rooms.database.inController(controllerId, async (tx) => {\n    const shredded`,
      },
      { file: PROCESS, at: "shredded.map((id)", instead: "[...gone, ...shredded].map((id)" },
    ],
  },
  {
    what: "settles deliveries in a commit of its own",
    by: /with effects or events more than once|not processed, or without its records or events/,
    seconds: 1,
    changes: [
      {
        file: "src/workflows/record-deliveries.ts",
        at: "await settleDeliveries(tx, over.map(settlementOf));",
        instead: "globalThis.proveSettlements = over.map(settlementOf);",
      },
      {
        file: PROCESS,
        at: "apart.push(...recorded.apart);",
        instead: `await rooms.database.inController(controllerId, (tx) => settleDeliveries(tx, globalThis.proveSettlements ?? []));
          apart.push(...recorded.apart);`,
      },
    ],
  },
  {
    what: "ends by itself where it is about to be killed",
    by: /ended by itself with 0/,
    seconds: 1,
    changes: [{ file: INBOX, at: "options.stored();", instead: "process.exit(0);" }],
  },
];
