import { Middleware } from "inngest";
import { z } from "zod";
import { isTracing, type OpenSpan, openRunSpan } from "#telemetry";
import type { RuntimeOptions } from "./runtime.ts";
import { isHeld } from "./switch.ts";

/** All that is read of a run's events. */
const AboutDelivery = z.object({ data: z.object({ deliveryId: z.string() }) });

/** Spans of runs and their steps, and what metrics count of them. A middleware is made anew for each call of a function. */
export function observeRuns(observe: RuntimeOptions["observeRun"]): Middleware.Class {
  return class extends Middleware.BaseMiddleware {
    readonly id = "lethe/observe-runs";
    call: OpenSpan | undefined;

    /** `next` of a function never returns when it stops at a step; that of the request always does. */
    override async wrapRequest({ next }: Middleware.WrapRequestArgs): Promise<Middleware.Response> {
      try {
        return await next();
      } finally {
        this.call?.end();
      }
    }

    override wrapFunctionHandler({ ctx, fn, next }: Middleware.WrapFunctionHandlerArgs): Promise<unknown> {
      if (!isTracing()) return next();
      const events: readonly unknown[] = ctx.events;
      const deliveries = new Set(
        events.flatMap((event) => AboutDelivery.safeParse(event).data?.data.deliveryId ?? []),
      );
      const name = nameOf(fn);
      this.call = openRunSpan({ id: ctx.runId, deliveries: [...deliveries] }, `run ${name}`, {
        ...{ "lethe.function": name, "lethe.run": ctx.runId, "lethe.attempt": ctx.attempt },
        "lethe.count": events.length,
      });
      return this.call === undefined ? next() : this.call.run(next);
    }

    /** The SDK calls a step's handler outside of the function that asked for it. */
    override wrapStepHandler({ stepInfo, next }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
      const { id } = stepInfo.options;
      return this.call === undefined ? next() : this.call.inStep(`step ${id}`, { "lethe.step": id }, next);
    }

    override onRunComplete({ fn }: Middleware.OnRunCompleteArgs): void {
      this.call?.annotate({ "lethe.outcome": "completed" });
      observe?.({ function: nameOf(fn), outcome: "completed" });
    }

    override onRunError({ fn, error, isFinalAttempt }: Middleware.OnRunErrorArgs): void {
      if (isHeld(error.message)) return;
      const outcome = isFinalAttempt ? "failed" : "retried";
      this.call?.annotate({ "lethe.outcome": outcome });
      this.call?.fail(error);
      observe?.({ function: nameOf(fn), outcome });
    }

    override onStepError({ fn, error, isFinalAttempt }: Middleware.OnStepErrorArgs): void {
      // The last try's error is thrown into the function, which fails of it, or does not. What the switch kept back was no try.
      if (!isFinalAttempt && !isHeld(error.message)) observe?.({ function: nameOf(fn), outcome: "retried" });
    }
  };
}

/** A function's id without the app's. */
const nameOf = (fn: Middleware.OnRunErrorArgs["fn"]): string => fn.id();
