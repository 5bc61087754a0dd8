import type { ActivityView } from "#schemas";

/** The same thing done with the same data for the same reason, however often. */
export interface ActivitySummary
  extends Pick<
    ActivityView,
    "activity" | "purpose" | "lawfulBasis" | "dataCategories" | "recipient" | "connection"
  > {
  readonly times: number;
  /** ISO 8601. */
  readonly first: string;
  readonly last: string;
}

/** Activities as somebody would tell them: what happened a thousand times is told once. The latest first. */
export function summary(activities: readonly ActivityView[]): ActivitySummary[] {
  const found = new Map<string, ActivitySummary>();
  for (const {
    activity,
    purpose,
    lawfulBasis,
    dataCategories,
    recipient,
    connection,
    occurredAt,
  } of activities) {
    const what = { activity, purpose, lawfulBasis, dataCategories, recipient, connection };
    const key = JSON.stringify({ ...what, dataCategories: [...dataCategories].sort() });
    const known = found.get(key);
    found.set(key, {
      ...what,
      times: (known?.times ?? 0) + 1,
      first: known !== undefined && known.first < occurredAt ? known.first : occurredAt,
      last: known !== undefined && known.last > occurredAt ? known.last : occurredAt,
    });
  }
  return [...found.values()].sort((a, b) => (a.last < b.last ? 1 : a.last > b.last ? -1 : 0));
}
