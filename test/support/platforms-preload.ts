import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

/** Loaded into a hub's process before anything else: what it asks of platforms goes to the test's server. */
const local = process.env.LETHE_TEST_PLATFORMS ?? "";
const fetchReally = globalThis.fetch;
const led = (url: string) => `${local}/?url=${encodeURIComponent(url)}`;

// Nothing but HTTPS requests is led elsewhere: what also watches sockets would be in the way of the hub's own.
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  if (!request.url.startsWith("https:")) return fetchReally(request);
  const body = request.body === null ? undefined : await request.arrayBuffer();
  return fetchReally(led(request.url), {
    ...{
      method: request.method,
      headers: request.headers,
      redirect: request.redirect,
      signal: request.signal,
    },
    ...(body === undefined ? {} : { body }),
  });
};

type Callback = (response: IncomingMessage) => void;

/** As SDKs call it: with a URL, options, or both. */
https.request = ((...given: (string | URL | RequestOptions | Callback)[]): ClientRequest => {
  const callback = given.find((argument) => typeof argument === "function");
  const options: RequestOptions = Object.assign(
    {},
    ...given.map((argument) =>
      typeof argument === "string"
        ? partsOf(new URL(argument))
        : argument instanceof URL
          ? partsOf(argument)
          : argument,
    ),
  );
  const { hostname, host, path = "/", method, headers, timeout, signal } = options;
  const url = `https://${hostname ?? host}${path}`;
  const to = new URL(led(url));
  return http.request(
    {
      ...{ host: to.hostname, port: to.port, path: to.pathname + to.search, method, headers, timeout },
      ...(signal === undefined ? {} : { signal }),
    },
    callback,
  );
}) as typeof https.request;
https.get = ((...given: Parameters<typeof https.get>) => https.request(...given).end()) as typeof https.get;
syncBuiltinESMExports();

function partsOf({ hostname, pathname, search }: URL): RequestOptions {
  return { hostname, path: pathname + search };
}
