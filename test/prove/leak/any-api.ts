import type { SimulatedApi, SimulatedRequest } from "../../support/platforms/simulated.ts";
import type { Canaries } from "./canaries.ts";

/** Any platform's API that nothing else stands for: what it is told to answer, and otherwise an error that names people. */
export interface AnyApi extends SimulatedApi {
  /** Several of one address are given in turn. */
  answer(answers: Iterable<readonly [url: string, answer: unknown]>): void;
  /** From now on nothing is found, and everything is refused so. */
  refuse(status?: number): void;
}

/** What it grants a token, and says in errors, are canaries. */
export function simulateAnyApi(canaries: Canaries): AnyApi {
  let known: ReadonlyMap<string, unknown[]> = new Map();
  let refusal: number | undefined;
  const requests: SimulatedRequest[] = [];
  const granted = canaries.token("token that was granted");
  const message = `${canaries.email("an API's error")} ${canaries.phone("an API's error")} ${canaries.text("an API's error")}`;
  const fault = (status: number) =>
    Response.json(
      { error: "invalid", error_description: message, errors: [{ message, detail: message }], message },
      {
        status,
        headers: {
          "x-request-id": canaries.token("a header of an API's error"),
          "www-authenticate": `Bearer realm="${canaries.token("a header of an API's error")}"`,
        },
      },
    );
  return {
    ...{ connector: "any", account: undefined, credentials: {}, requests },
    serves: () => true,
    async handle(request) {
      const { method, url, headers } = request;
      requests.push({ method, url, headers: Object.fromEntries(headers), body: await request.text() });
      if (refusal !== undefined) return fault(refusal);
      if (method === "POST")
        return Response.json({ access_token: granted, expires_in: 3_600, token_type: "bearer" });
      const answers = known.get(url) ?? [];
      const next = answers.shift();
      if (next === undefined) return fault(404);
      answers.push(next);
      return Response.json(next);
    },
    answer(answers) {
      known = new Map(
        [...Map.groupBy(answers, ([url]) => url)].map(([url, given]) => [
          url,
          given.map(([, answer]) => answer),
        ]),
      );
      refusal = undefined;
    },
    refuse(status) {
      refusal = status;
    },
    fail: () => {},
    add: () => "",
    has: () => false,
  };
}
