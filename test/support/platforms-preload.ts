/** Loaded into a hub's process before anything else: what it fetches of platforms goes to the test's server. */
const local = process.env.LETHE_TEST_PLATFORMS ?? "";
const real = globalThis.fetch;

// Nothing but fetch is led elsewhere: what also watches sockets would be in the way of the hub's own.
globalThis.fetch = (input, init) => {
  const request = new Request(input, init);
  if (!request.url.startsWith("https:")) return real(request);
  return real(`${local}/?url=${encodeURIComponent(request.url)}`, {
    ...init,
    method: request.method,
    headers: request.headers,
  });
};
