/** That a log had this root, in hex, when it had so many events. */
export interface Statement {
  readonly size: number;
  readonly root: string;
}

/** What was signed, or witnessed, of one log: each once, and in a hundred bytes, for there may be one for every second. */
export function statements() {
  const roots = new Map<number, string>();
  const rootsAt = (size: number): readonly string[] => roots.get(size)?.split(" ") ?? [];
  const has = ({ size, root }: Statement) => rootsAt(size).includes(root);

  return {
    rootsAt,
    has,
    add(one: Statement): void {
      // Two roots of one size contradict each other: both are kept, because only the log can tell which is wrong.
      if (!has(one)) roots.set(one.size, [...rootsAt(one.size), one.root].join(" "));
    },
    delete(one: Statement): void {
      const left = rootsAt(one.size).filter((root) => root !== one.root);
      if (left.length === 0) roots.delete(one.size);
      else roots.set(one.size, left.join(" "));
    },
    largest(): number {
      let largest = 0;
      for (const size of roots.keys()) largest = Math.max(largest, size);
      return largest;
    },
    *all(): Generator<Statement> {
      for (const size of roots.keys()) for (const root of rootsAt(size)) yield { size, root };
    },
  };
}

export type Statements = ReturnType<typeof statements>;
