import { Middleware, NonRetriableError, RetryAfterError, StepError } from "inngest";
import { describeError, LetheError } from "#schemas";

/**
 * Replaces every error that leaves a step or a function by its code and catalogue text. Runtimes store
 * messages and stacks in the clear, and an error's text can quote what it choked on.
 */
export class ScrubErrors extends Middleware.BaseMiddleware {
  readonly id = "lethe/scrub-errors";

  override wrapStepHandler({ next }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
    return scrubbed(next);
  }

  override wrapFunctionHandler({ next }: Middleware.WrapFunctionHandlerArgs): Promise<unknown> {
    return scrubbed(next);
  }
}

async function scrubbed(next: () => Promise<unknown>): Promise<unknown> {
  try {
    return await next();
  } catch (error) {
    // A failed step's own error, thrown into the function: scrubbed when it left the step, and known to the SDK by identity.
    throw error instanceof StepError ? error : scrub(error);
  }
}

/** An error with nothing but its code and catalogue text, that is retried, or not, like the one it stands for. */
export function scrub(error: unknown): Error {
  const { code, message, retry } = describeError(error);
  const text = `${code}: ${message}`;
  const scrubbed = withRetry(error, retry, text);
  scrubbed.stack = `${scrubbed.name}: ${text}`;
  return scrubbed;
}

function withRetry(error: unknown, retry: boolean, text: string): Error {
  if (error instanceof RetryAfterError) {
    const seconds = Number(error.retryAfter);
    return new RetryAfterError(text, Number.isNaN(seconds) ? new Date(error.retryAfter) : seconds * 1_000);
  }
  if (error instanceof LetheError && retry && error.retryAfter !== undefined)
    return new RetryAfterError(text, error.retryAfter);
  return retry && !(error instanceof NonRetriableError) ? new Error(text) : new NonRetriableError(text);
}
