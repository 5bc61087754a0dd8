import type { Connector } from "../connector.ts";
import type { Fixture } from "../fixtures.ts";
import { eventsOf } from "../interpret.ts";
import { type Case, caseOf, deliveriesOf, NOW, type Parts, receiveParts, signAnew } from "./case.ts";

/** The same request again, and signed anew a minute later as a platform does that tries again, is the same delivery. */
export function repeats(tried: Case): string[] {
  const first = identityOf(tried, tried.parts, NOW);
  const later = NOW + 60_000;
  return [
    ...(identityOf(tried, tried.parts, NOW) === first ? [] : ["the same request twice is two deliveries"]),
    ...(identityOf(tried, signAnew(tried, { now: later }), later) === first
      ? []
      : ["the same request, signed anew a minute later, is another delivery"]),
  ];
}

/** No two fixtures are one delivery, and no two events of theirs one event, unless they say the same. */
export function collisions(connector: Connector, fixtures: readonly Fixture[]): string[] {
  const seen = new Map<string, { fixture: string; says: string }>();
  const faults: string[] = [];
  for (const fixture of deliveriesOf(fixtures)) {
    for (const { identity, says } of toldApart(caseOf(connector, fixture))) {
      const before = seen.get(identity);
      if (before !== undefined && before.says !== says)
        faults.push(
          `${fixture.name} is taken for ${before.fixture} come again: give each its own id, or tell them apart by more`,
        );
      seen.set(identity, { fixture: fixture.name, says });
    }
  }
  return faults;
}

function toldApart(tried: Case): { identity: string; says: string }[] {
  const received = receiveParts(tried, tried.parts);
  if (received.kind !== "delivery") return [];
  const { fixture, door } = tried;
  const whole = { identity: identityOf(tried, tried.parts, NOW), says: JSON.stringify(tried.parts) };
  if (door.events === undefined) return [whole];
  try {
    const events = eventsOf(tried.connector, Buffer.from(fixture.body), received.about);
    return [
      whole,
      ...events.map(({ identity, payload }) => ({
        identity: JSON.stringify(identity),
        says: JSON.stringify(payload),
      })),
    ];
  } catch {
    return [whole]; // It cannot be read, which is what its fixture is about.
  }
}

function identityOf(tried: Case, parts: Parts, now: number): string {
  const received = receiveParts(tried, parts, { now });
  return received.kind === "delivery" ? JSON.stringify(received.about.identity) : received.kind;
}
