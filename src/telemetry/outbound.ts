import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Span } from "@opentelemetry/api";
import { ERROR, startSpan } from "./spans.ts";

/**
 * A span for every request that is made within a trace, whoever makes it: platforms are called by their own SDKs.
 * Method and status only. Neither host nor path: one names the shop, the other often the person.
 * Channels: https://nodejs.org/api/diagnostics_channel.html#built-in-channels,
 * https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 * Returns how to stop it.
 */
export function traceOutbound(): () => void {
  const open = new WeakMap<object, Span>();
  const channels: Record<string, (message: Message) => void> = {
    "http.client.request.start": begin,
    "http.client.response.finish": answered,
    "http.client.request.error": failed,
    "undici:request:create": begin,
    "undici:request:headers": answered,
    "undici:request:error": failed,
  };
  const listeners = Object.entries(channels).map(([name, heard]) => {
    const listener = (message: unknown) => heard(message as Message);
    subscribe(name, listener);
    return () => unsubscribe(name, listener);
  });
  return () => {
    for (const stop of listeners) stop();
  };

  function begin({ request }: Message): void {
    const span = startSpan("request", { "http.request.method": request.method ?? "" });
    if (span !== undefined) open.set(request, span);
  }

  function answered({ request, response }: Message): void {
    const span = open.get(request);
    span?.setAttribute("http.response.status_code", response?.statusCode ?? 0);
    span?.end();
    open.delete(request);
  }

  function failed({ request }: Message): void {
    const span = open.get(request);
    span?.setStatus({ code: ERROR });
    span?.end();
    open.delete(request);
  }
}

/** What the channels of `node:http` and of undici have in common. */
interface Message {
  readonly request: { readonly method?: string };
  readonly response?: { readonly statusCode?: number };
}
