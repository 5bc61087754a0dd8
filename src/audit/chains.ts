/** One event's place in its workflow: its own hash and that of the event before it. */
export interface Link {
  readonly workflow: string;
  readonly position: number;
  readonly previous: string | null;
  readonly hash: string;
}

/**
 * Checks that each workflow's events follow one another. Two transactions of one workflow may enter the log
 * in the other order than they committed, so an event that comes early waits for the one before it.
 */
export function chainChecker() {
  const tails = new Map<string, { position: number; hash: string }>();
  const early = new Map<string, Map<number, Link>>();

  return {
    /** Takes the next event of the log; false if it contradicts what came before. */
    add(link: Link): boolean {
      const tail = tails.get(link.workflow);
      const expected = (tail?.position ?? -1) + 1;
      if (link.position > expected) {
        const waiting = early.get(link.workflow) ?? new Map<number, Link>();
        early.set(link.workflow, waiting.set(link.position, link));
        return true;
      }
      tails.set(link.workflow, link);
      const holds = link.position === expected && link.previous === (tail?.hash ?? null);
      const next = early.get(link.workflow)?.get(expected + 1);
      if (next === undefined) return holds;
      early.get(link.workflow)?.delete(expected + 1);
      if (early.get(link.workflow)?.size === 0) early.delete(link.workflow);
      return this.add(next) && holds;
    },
    /** Workflows in which an event is missing. */
    broken: () => early.size,
  };
}
