import { type Door, doorFor, type Fixture, signFixture } from "#kit";
import type { Target } from "./site.ts";
import type { Wire } from "./wire.ts";

/** A request as the platform would send it just now, and what can be told of it. */
export interface Genuine {
  readonly target: Target;
  readonly fixture: Fixture;
  readonly door: Door;
  readonly wire: Wire;
  /** Where its proof stands, the signature first; in one of these there is everything that a forger would change. */
  readonly proofs: readonly Proof[];
  /** Whether the proof covers the body; with a secret in the URL it does not, and whoever has that may say anything. */
  readonly signsBody: boolean;
  /** The same fixture with something else about it, signed as the platform would sign that. */
  again(change: Partial<Change>): Wire;
}

/** A place of a request that holds (a part of) what proves where it is from. */
export interface Proof {
  readonly where: "header" | "query";
  readonly name: string;
  readonly value: string;
}

export interface Change {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the connection that it is sent to. */
  readonly id: string;
}

export function genuine(target: Target, fixture: Fixture): Genuine {
  const again = ({ body, headers, secret, now, id }: Partial<Change>): Wire => {
    const url = `http://hub.example.com/webhooks/${target.connector.id}/${id ?? target.id}`;
    const changed = { ...fixture, body: body ?? fixture.body, headers: headers ?? fixture.headers };
    const signed = signFixture(target.connector, changed, secret ?? target.secret, now ?? Date.now(), url);
    const { pathname, search } = new URL(signed.url);
    return {
      ...{ method: signed.method, target: pathname + search, body: signed.body },
      headers: Object.entries(signed.headers),
    };
  };
  const wire = again({});
  const header = (name: string) => wire.headers.find(([given]) => given === name)?.[1];
  const door = doorFor(target.connector, { method: "POST", url: "", header, body: wire.body });
  const own = new Set(Object.keys(fixture.headers));
  const inHeaders = wire.headers.filter(([name]) => !own.has(name));
  const inQuery = [...new URL(wire.target, "http://hub.example.com").searchParams];
  const proofs = [
    ...inHeaders.map(([name, value]): Proof => ({ where: "header", name, value })),
    ...inQuery.map(([name, value]): Proof => ({ where: "query", name, value })),
  ].sort((a, b) => Number(b.name === door.signature.header) - Number(a.name === door.signature.header));
  const signsBody = door.signature.signs.includes("body");
  return { target, fixture, door, wire, proofs, signsBody, again };
}

/** The request with a header of other values: none, one, or several lines of it. */
export function withHeader(wire: Wire, name: string, ...values: readonly string[]): Wire {
  const rest = wire.headers.filter(([given]) => given.toLowerCase() !== name);
  return { ...wire, headers: [...rest, ...values.map((value) => [name, value] as const)] };
}

/** The request with other text for the whole query. */
export function withQuery(wire: Wire, query: string): Wire {
  const [path = ""] = wire.target.split("?");
  return { ...wire, target: query === "" ? path : `${path}?${query}` };
}
