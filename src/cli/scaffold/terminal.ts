import { setImmediate } from "node:timers";
import { LetheError } from "#schemas";
import type { Ask } from "./questions.ts";

interface Streams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Questions on the terminal. Loaded only when there is somebody to ask. Throws `terminal/cancelled`. */
export async function terminal(
  streams: Streams = { input: process.stdin, output: process.stdout },
): Promise<Ask> {
  const [{ default: input }, { default: select }] = await Promise.all([
    import("@inquirer/input"),
    import("@inquirer/select"),
  ]);
  return {
    text: (message, fallback, check) =>
      answered(streams, (context) =>
        input(
          {
            message,
            ...(fallback === undefined ? {} : { default: fallback }),
            validate: (text) => check(text) ?? true,
          },
          context,
        ),
      ),
    choice: (message, choices) =>
      answered(streams, (context) => select({ message, choices: [...choices], pageSize: 12 }, context)),
  };
}

/**
 * The answer, or `terminal/cancelled` at Ctrl-C and Ctrl-D. At Ctrl-D the question would never be settled: all that
 * tells of it is that nobody reads the terminal any more, which after an answer is so, too, but a moment later.
 */
async function answered<T>(
  streams: Streams,
  ask: (context: Streams & { signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const closed = new AbortController();
  const abort = () => setImmediate(() => closed.abort());
  streams.input.once("pause", abort);
  try {
    return await ask({ ...streams, signal: closed.signal });
  } catch (error) {
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name))
      throw new LetheError("terminal/cancelled", "cancelled, nothing was written");
    throw error;
  } finally {
    streams.input.off("pause", abort);
  }
}
