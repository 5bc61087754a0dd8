/** https://docs.stripe.com/api/privacy/redaction-job : one job, and how it goes on. */
export interface Job {
  readonly id: string;
  readonly customers: readonly string[];
  status: string;
}

/** Redaction jobs of an account. `mayRun`: whether all that hangs on a customer can be redacted. */
export function simulateJobs(mayRun: (customer: string) => boolean, redact: (customer: string) => void) {
  const jobs: Job[] = [];
  const live = (customer: string) =>
    jobs.some(
      ({ status, customers }) => !["failed", "canceled"].includes(status) && customers.includes(customer),
    );

  /** The checks take a moment: the job is looked at once before they are through. */
  function look(job: Job): Job {
    const before = { ...job };
    if (job.status === "validating") job.status = job.customers.every(mayRun) ? "ready" : "failed";
    return before;
  }
  const shown = ({ id, customers, status }: Job, withObjects = false) => ({
    ...{ id, object: "privacy.redaction_job", created: 1_763_600_000, livemode: true },
    ...{ status, validation_behavior: "fix", objects: withObjects ? { customers } : null },
  });

  return {
    jobs,
    create(customers: readonly string[]) {
      const locked = customers.some(live);
      const job = { id: `prj_${jobs.length + 1}`, customers, status: locked ? "failed" : "validating" };
      jobs.push(job);
      return shown(job);
    },
    list(after: string | null, limit: number, withObjects: boolean) {
      const latest = jobs.toReversed();
      const from = after === null ? 0 : latest.findIndex(({ id }) => id === after) + 1;
      const data = latest.slice(from, from + limit).map((job) => shown(look(job), withObjects));
      return { object: "list", data, has_more: latest.length > from + limit };
    },
    get(id: string) {
      const job = jobs.find((one) => one.id === id);
      return job && shown(look(job));
    },
    /** Undefined where it is not ready, or ran before. */
    run(id: string) {
      const job = jobs.find((one) => one.id === id);
      if (job?.status !== "ready") return undefined;
      job.status = "redacting";
      return shown(job);
    },
    finish() {
      for (const job of jobs) {
        look(job);
        if (job.status !== "redacting") continue;
        job.status = "succeeded";
        job.customers.forEach(redact);
      }
    },
  };
}
