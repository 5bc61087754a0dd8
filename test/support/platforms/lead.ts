import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

const fetchReally = globalThis.fetch;
let local = "";
const led = (url: string) => `${local}/?url=${encodeURIComponent(url)}`;

/**
 * From now on every HTTPS request of this process goes to a local server, as `/?url=…`, until what it returns is called.
 * Nothing else is led elsewhere: what also watches sockets would be in the way of the hub's own.
 */
export function leadPlatformsTo(server: string): () => void {
  const { request, get } = https;
  local = server;
  globalThis.fetch = fetchThere;
  https.request = requestThere;
  https.get = ((...given: Parameters<typeof https.get>) => requestThere(...given).end()) as typeof https.get;
  syncBuiltinESMExports();
  return () => {
    globalThis.fetch = fetchReally;
    Object.assign(https, { request, get });
    syncBuiltinESMExports();
  };
}

const fetchThere: typeof fetch = async (input, init) => {
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
const requestThere = ((...given: (string | URL | RequestOptions | Callback)[]): ClientRequest => {
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
  const { hostname, host, path = "/", method, headers, timeout, signal, auth } = options;
  const url = `https://${hostname ?? host}${path}`;
  const to = new URL(led(url));
  return http.request(
    {
      ...{ host: to.hostname, port: to.port, path: to.pathname + to.search, method, headers, timeout },
      ...(signal === undefined ? {} : { signal }),
      ...(auth ? { auth } : {}),
    },
    callback,
  );
}) as typeof https.request;
function partsOf({ hostname, pathname, search }: URL): RequestOptions {
  return { hostname, path: pathname + search };
}
