import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { type Ask, planOf } from "./questions.ts";
import { terminal } from "./terminal.ts";

/** A terminal on which `keys` are typed, one after the other, whenever something new is asked. */
async function typing(keys: readonly string[], use: (ask: Ask) => Promise<unknown>): Promise<unknown> {
  const input = new PassThrough();
  const output = new PassThrough();
  output.resume();
  const rest = [...keys];
  const timer = setInterval(() => {
    const key = rest.shift();
    if (key !== undefined) input.write(key);
  }, 50);
  try {
    return await use(await terminal({ input, output }));
  } finally {
    clearInterval(timer);
  }
}

test.each([
  ["Ctrl-C", "\x03"],
  ["Ctrl-D", "\x04"],
])("%s at any question cancels, and says that nothing was written", async (_, key) => {
  const cancelled = { code: "terminal/cancelled", message: "cancelled, nothing was written" };
  const ask = (one: Ask) => planOf("acme", { scheme: "basic" }, "#kit", one);
  await expect(typing([key], ask)).rejects.toMatchObject(cancelled);
  await expect(typing(["\r", key], ask)).rejects.toMatchObject(cancelled);
  const choice = (one: Ask) => planOf("acme", {}, "#kit", one);
  await expect(typing([key], choice)).rejects.toMatchObject(cancelled);
});

test("what is typed is taken, and what is wrong is asked for again", async () => {
  const plan = await typing(["header:content-type\r", "\x15", "header:x-topic\r", ..."\r\r\r\r\r"], (ask) =>
    planOf("acme", { scheme: "basic" }, "#kit", ask),
  );
  expect(plan).toMatchObject({ topic: { in: "header", at: "x-topic" }, firstTopic: "contact.updated" });
});
