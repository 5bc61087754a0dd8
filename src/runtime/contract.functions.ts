import { type Inngest, type InngestFunction, NonRetriableError, RetryAfterError } from "inngest";

/** What the functions below did, by the key of the event that started them: the tests' only view into a run. */
export function createTrace() {
  const entries = new Map<string, string[]>();
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  return {
    add(key: string, what: string): void {
      entries.set(key, [...(entries.get(key) ?? []), what]);
    },
    of: (key: string): readonly string[] => entries.get(key) ?? [],
    count: (key: string, what: string): number =>
      (entries.get(key) ?? []).filter((entry) => entry === what).length,
    /** Counts how many are between enter and leave at a time. */
    enter(key: string): void {
      running.set(key, (running.get(key) ?? 0) + 1);
      most.set(key, Math.max(most.get(key) ?? 0, running.get(key) ?? 0));
    },
    leave(key: string): void {
      running.set(key, (running.get(key) ?? 0) - 1);
    },
    mostAtOnce: (key: string): number => most.get(key) ?? 0,
  };
}
export type Trace = ReturnType<typeof createTrace>;

/** Personal data in an error: it must not be found where the runtime keeps errors. */
export const CANARY = "canary.bob@example.com";

interface Data {
  readonly key: string;
  readonly [name: string]: unknown;
}

/** One function for each promise that both runtimes make. */
export function contractFunctions(client: Inngest, trace: Trace): InngestFunction.Any[] {
  const on = (event: string) => [{ event: `contract/${event}` }];
  const data = (event: { data: unknown }) => event.data as Data;
  const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

  const child = client.createFunction(
    { id: "child", triggers: on("child"), retries: 0 },
    async ({ event, step }) => {
      const { key, n, fail } = data(event);
      if (fail === true) throw new NonRetriableError(`no ${CANARY}`);
      return step.run("double", () => {
        trace.add(key, "child");
        return { doubled: Number(n) * 2 };
      });
    },
  );

  return [
    child,
    client.createFunction({ id: "steps", triggers: on("steps"), retries: 2 }, async ({ event, step }) => {
      const { key } = data(event);
      const one = await step.run("one", () => {
        trace.add(key, "one");
        return 1;
      });
      const two = await step.run("two", () => {
        trace.add(key, "two");
        return { sum: one + 1 };
      });
      await step.run("end", () => trace.add(key, `end ${two.sum}`));
    }),
    client.createFunction({ id: "flaky", triggers: on("flaky"), retries: 3 }, async ({ event, step }) => {
      const { key } = data(event);
      await step.run("before", () => trace.add(key, "before"));
      await step.run("flaky", () => {
        trace.add(key, "try");
        if (trace.count(key, "try") < 3) throw new Error(`not yet, ${CANARY}`);
      });
      await step.run("after", () => trace.add(key, "after"));
    }),
    client.createFunction(
      {
        id: "failing",
        triggers: on("failing"),
        retries: 1,
        onFailure: async ({ event, error }) =>
          trace.add(data(event.data.event).key, `onFailure ${error.message}`),
      },
      async ({ event, step }) => {
        const { key, final } = data(event);
        await step.run("boom", () => {
          trace.add(key, "try");
          throw final === true ? new NonRetriableError(`no, ${CANARY}`) : new Error(`no, ${CANARY}`);
        });
      },
    ),
    client.createFunction(
      { id: "catching", triggers: on("catching"), retries: 0 },
      async ({ event, step }) => {
        const { key } = data(event);
        try {
          await step.run("boom", () => {
            throw new Error("no");
          });
        } catch {
          await step.run("instead", () => trace.add(key, "instead"));
        }
      },
    ),
    client.createFunction(
      { id: "retry-after", triggers: on("retry-after"), retries: 2 },
      async ({ event, step }) => {
        const { key } = data(event);
        await step.run("limited", () => {
          trace.add(key, "try");
          if (trace.count(key, "try") === 1) throw new RetryAfterError("slow down", 1_000);
          trace.add(key, "done");
        });
      },
    ),
    client.createFunction(
      { id: "sleeping", triggers: on("sleeping"), retries: 0 },
      async ({ event, step }) => {
        const { key } = data(event);
        const before = await step.run("before", () => Date.now());
        await step.sleep("nap", "1s");
        await step.run("after", () => trace.add(key, Date.now() - before >= 900 ? "slept" : "did not sleep"));
      },
    ),
    client.createFunction({ id: "waiting", triggers: on("waiting"), retries: 0 }, async ({ event, step }) => {
      const { key, timeout } = data(event);
      await step.run("before", () => trace.add(key, "waits"));
      const heard = await step.waitForEvent("answer", {
        event: "contract/answer",
        timeout: String(timeout),
        match: "data.key",
      });
      await step.run("after", () => trace.add(key, heard === null ? "timed out" : `heard ${heard.data.by}`));
    }),
    client.createFunction(
      { id: "invoking", triggers: on("invoking"), retries: 0 },
      async ({ event, step }) => {
        const { key, fail } = data(event);
        try {
          const answer = await step.invoke("call", { function: child, data: { key, n: 21, fail } });
          await step.run("after", () => trace.add(key, `got ${(answer as { doubled: number }).doubled}`));
        } catch {
          await step.run("after", () => trace.add(key, "the child failed"));
        }
      },
    ),
    client.createFunction(
      { id: "parallel", triggers: on("parallel"), retries: 1 },
      async ({ event, step }) => {
        const { key } = data(event);
        const results = await Promise.all([
          step.run("a", () => {
            trace.add(key, "a");
            return "a";
          }),
          step.run("b", () => {
            trace.add(key, "b");
            return "b";
          }),
          step.sleep("short", "100ms").then(() =>
            step.run("c", () => {
              trace.add(key, "c");
              return "c";
            }),
          ),
        ]);
        await step.run("join", () => trace.add(key, `joined ${results.join("")}`));
      },
    ),
    client.createFunction({ id: "sending", triggers: on("sending"), retries: 0 }, async ({ event, step }) => {
      const { key } = data(event);
      await step.sendEvent("tell", { name: "contract/child", data: { key, n: 1 } });
    }),
    client.createFunction(
      { id: "once", triggers: on("once"), retries: 0, idempotency: "event.data.key" },
      async ({ event, step }) => {
        const { key } = data(event);
        await step.run("count", () => trace.add(key, "ran"));
      },
    ),
    client.createFunction(
      {
        id: "limited",
        triggers: on("limited"),
        retries: 0,
        concurrency: { limit: 2, key: "event.data.key" },
      },
      async ({ event, step }) => {
        const { key } = data(event);
        await step.run("work", async () => {
          trace.enter(key);
          await pause(60);
          trace.leave(key);
          trace.add(key, "done");
        });
      },
    ),
    client.createFunction(
      {
        id: "cancelled",
        triggers: on("cancelled"),
        retries: 0,
        cancelOn: [{ event: "contract/cancel", match: "data.key" }],
      },
      async ({ event, step }) => {
        const { key } = data(event);
        await step.run("before", () => trace.add(key, "started"));
        await step.sleep("long", "4s");
        await step.run("after", () => trace.add(key, "went on"));
      },
    ),
    client.createFunction(
      {
        id: "batched",
        triggers: on("batched"),
        retries: 1,
        batchEvents: { maxSize: 10, timeout: "1s", key: "event.data.key" },
      },
      async ({ events, step }) => {
        const [first] = events;
        if (first === undefined) return;
        const { key } = data(first);
        await step.run("count", () => {
          trace.add(key, `batch of ${events.length}`);
          for (const event of events)
            trace.add(key, data(event).key === key ? `item ${data(event).n}` : "a stranger");
        });
      },
    ),
    client.createFunction({ id: "held", triggers: on("held"), retries: 0 }, async ({ event, step }) => {
      const { key } = data(event);
      await step.run("one", async () => {
        trace.add(key, "one");
        while (trace.count(key, "go on") === 0) await pause(10);
      });
      await step.run("two", () => trace.add(key, "two"));
    }),
    client.createFunction(
      {
        id: "conditional",
        triggers: [{ event: "contract/conditional", if: "event.data.kind == 'wanted'" }],
        retries: 0,
      },
      async ({ event, step }) => {
        const { key, kind } = data(event);
        await step.run("count", () => trace.add(key, String(kind)));
      },
    ),
  ];
}
