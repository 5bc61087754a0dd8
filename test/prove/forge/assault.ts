import { type Dose, type Outcome, randomBy } from "../harness.ts";
import { type PublicAttempt, publicAttempts, publicFault } from "./doors.ts";
import { flood } from "./floods.ts";
import { type Chance, type Forgery, oneOf } from "./forgery.ts";
import { FORGES } from "./forges.ts";
import { type Genuine, genuine } from "./genuine.ts";
import { keepSending } from "./honest.ts";
import { faultOf, isWronglyAccepted } from "./judge.ts";
import { errorsOf, settled } from "./ledger.ts";
import type { Site, Target } from "./site.ts";
import { keepTally } from "./tally.ts";
import { bytesOf } from "./wire.ts";

interface Attempt {
  readonly kind: string;
  readonly make: () => Promise<void>;
}

/** Attempts under way at a time. */
const AT_A_TIME = 8;
/** Milliseconds without a byte after which an ambiguous request's connection is given up. */
const QUIET = 300;
/** Connections of each slow kind. */
const SLOW = 25;
/** MB that the hub's process may take, which is let have 1,024 for its heap (`npm start`). */
const MEMORY = 1_000;

/**
 * In rounds: a genuine delivery of every platform, everything that can be forged of it, and what else is open to everybody;
 * meanwhile slow connections, and a shop that must not notice.
 */
export async function assault(site: Site, dose: Dose): Promise<Outcome> {
  const { targets, port, controllerId } = site;
  // Making the site took its time, on a busy machine much of it.
  const began = performance.now();
  const over = () => performance.now() - began > dose.milliseconds;
  const tally = keepTally(site, dose);
  const honest = keepSending(site);
  let [rounds, connections, longest] = [0, 0, 0];
  let flooding = Promise.resolve();
  do {
    rounds += 1;
    const chance = randomBy(Math.floor(dose.random() * 2 ** 32));
    const slow = one(oneOf(targets, chance), chance);
    flooding = flooding.then(() => (rounds > 1 && over() ? undefined : slowly(slow)));
    const made = targets.flatMap((target) => attemptsOn(one(target, chance), chance));
    const [each, others] = oneOfEach(shuffled([...made, ...attemptsOnOthers(chance)], chance));
    // However short the time is, every kind has its turn once.
    await inParallel(() => work(each, () => rounds > 1 && over()));
    await inParallel(() => work(others, over));
  } while (!over() && !tally.done());
  await flooding;
  const traffic = await honest.stop();
  for (const text of traffic.faults) if (!tally.gone()) tally.fault(text);
  for (const id of traffic.accepted) tally.accepted.add(id);
  if (!tally.done())
    for (const text of await settled(site, tally.accepted, tally.mustFail)) tally.fault(text);
  const { "resident memory at most, MB": memory = 0, ...figures } = tally.figures();
  if (memory > MEMORY) tally.fault(`the hub took ${memory} MB`);
  tally.stop();
  const errors = errorsOf(site.hub);
  return {
    figures: {
      ...{ ...figures, platforms: targets.length, rounds },
      "slow connections cut": connections,
      "longest of them, ms": longest,
      "honest requests meanwhile": traffic.sent,
      "slowest honest answer, ms": Math.round(traffic.slowest),
      "resident memory at most, MB": memory,
      "errors of runs, tried again": [errors.length, ...new Set(errors)].join("; "),
    },
    broken: tally.broken,
  };

  async function work(attempts: Attempt[], isLate: () => boolean): Promise<void> {
    for (let next = attempts.pop(); next !== undefined; next = attempts.pop()) {
      if (tally.done() || isLate()) return;
      await next.make();
      dose.progress(`round ${rounds}, ${attempts.length} to go, ${tally.broken.length} faults`);
    }
  }

  /** What the platform sent, first; the rest in any order, and not before that is there. */
  function attemptsOn(from: Genuine, chance: Chance): Attempt[] {
    let sent: Promise<void> | undefined;
    const make = async (forgery: Forgery) => {
      sent ??= arrive(from);
      await sent;
      await attempt(from, forgery);
    };
    return FORGES.flatMap((forge) => forge(from, chance)).map((forgery) => ({
      kind: forgery.kind,
      make: () => make(forgery),
    }));
  }

  async function arrive(from: Genuine): Promise<void> {
    const answer = await tally.send("genuine", bytesOf(from.wire));
    if (answer === undefined || answer.accepted.length + answer.duplicates === 1) return;
    tally.fault(`genuine, ${of(from)}: answered ${answer.statuses.join()} ${answer.codes.join()}`);
  }

  async function attempt(from: Genuine, { kind, expected, wire }: Forgery): Promise<void> {
    const raw = wire instanceof Uint8Array;
    const answer = await tally.send(kind, raw ? wire : bytesOf(wire), raw ? QUIET : undefined);
    if (answer === undefined) return;
    if (expected === "failing") for (const id of answer.accepted) tally.mustFail.add(id);
    const wrong = faultOf(expected, answer);
    if (wrong !== undefined) tally.fault(`round ${rounds}, ${kind}, ${of(from)}: ${wrong}`);
    if (isWronglyAccepted(expected, answer)) tally.wronglyAccepted();
  }

  function attemptsOnOthers(chance: Chance): Attempt[] {
    return publicAttempts(controllerId, chance).map((tried) => ({
      kind: tried.kind,
      make: () => attemptOnOther(tried),
    }));
  }

  async function attemptOnOther(tried: PublicAttempt): Promise<void> {
    const answer = await tally.send(tried.kind, tried.bytes, QUIET);
    const wrong = answer === undefined ? undefined : publicFault(tried, answer);
    if (wrong === undefined) return;
    tally.fault(`round ${rounds}, ${tried.kind}: ${wrong}`);
    if (answer?.statuses.some((status) => status < 300) === true) tally.wronglyAccepted();
  }

  async function slowly(from: Genuine): Promise<void> {
    const cut = await flood(port, from, SLOW, tally.done);
    connections += cut.connections;
    longest = Math.max(longest, cut.longest);
    if (cut.left > 0) tally.fault(`${cut.left} of ${cut.connections} slow connections were not cut`);
  }
}

const one = (target: Target, chance: Chance): Genuine => genuine(target, oneOf(target.fixtures, chance));

const of = ({ target, fixture }: Genuine) => `of ${target.connector.id}/${fixture.name}`;

const inParallel = (work: () => Promise<void>) => Promise.all(Array.from({ length: AT_A_TIME }, work));

/** The first of each kind, and all others. */
function oneOfEach(attempts: readonly Attempt[]): [Attempt[], Attempt[]] {
  const each = new Map(attempts.toReversed().map((attempt) => [attempt.kind, attempt]));
  return [[...each.values()], attempts.filter((attempt) => each.get(attempt.kind) !== attempt)];
}

function shuffled<T>(list: readonly T[], chance: Chance): T[] {
  const keyed = list.map((each) => [chance(), each] as const);
  return keyed.sort(([a], [b]) => a - b).map(([, each]) => each);
}
