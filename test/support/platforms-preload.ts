import { bypass, http } from "msw";
import { setupServer } from "msw/node";

/** Loaded into a hub's process before anything else: what it asks of platforms goes to the test's server. */
const local = process.env.LETHE_TEST_PLATFORMS ?? "";

setupServer(
  http.all(/^https:/, async ({ request }) => {
    const { method, headers } = request;
    const body = method === "GET" ? {} : { body: await request.arrayBuffer() };
    const url = `${local}/?url=${encodeURIComponent(request.url)}`;
    return fetch(bypass(new Request(url, { method, headers, ...body })));
  }),
).listen({ onUnhandledFrame: "bypass" });
