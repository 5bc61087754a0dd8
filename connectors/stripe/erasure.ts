import { type ErasureAnswer, type ErasureState, type Personal, platformFault, type Retention, z } from "#kit";
import { type Ask, at, type Credentials, read } from "./api.ts";

const JOBS = ["privacy", "redaction_jobs"] as const;

const Job = z.object({
  id: z.string().max(200),
  status: z.string(),
  objects: z.object({ customers: z.array(z.string()).nullish() }).nullish(),
});
const Records = z.object({
  data: z.array(
    z.looseObject({
      id: z.string(),
      created: z.number(),
      customer_email: z.string().nullish(),
      customer_name: z.string().nullish(),
    }),
  ),
});

/**
 * Seconds for which a transaction cannot be redacted, because of fraud:
 * https://docs.stripe.com/privacy/deletion-requests
 */
const TOO_RECENT = 90 * 86_400;

/**
 * Redacts the customer and all that hangs on it (https://docs.stripe.com/privacy/redaction): a job is made, which is
 * checked, and started by {@link erased} once it may be, because both can take days. Where there is no such feature, or
 * a payment too recent for it, the customer is deleted, which leaves the payments as they are.
 */
export async function erase(
  ask: Ask,
  id: string,
  { redaction }: Pick<Credentials, "redaction">,
): Promise<ErasureAnswer> {
  if (redaction !== false && !(await paidLately(ask, id))) {
    const job = await ask("POST", at(...JOBS), {
      objects: { customers: [id] },
      // Cancels and detaches what would stand in the way, as a deletion does.
      validation_behavior: "fix",
    });
    if ("body" in job) return { receipt: read(Job, job.body).id };
    if (job.absent === "object") throw platformFault(404);
  }
  const deleted = await ask("DELETE", at("customers", id));
  if (!("body" in deleted)) throw platformFault(404);
  read(z.object({ deleted: z.literal(true) }), deleted.body);
  return {};
}

async function paidLately(ask: Ask, id: string): Promise<boolean> {
  const since = Math.floor(Date.now() / 1_000) - TOO_RECENT;
  const answer = await ask("GET", at("charges"), { customer: id, created: { gt: since }, limit: 1 });
  return "body" in answer && read(Records, answer.body).data.length > 0;
}

/** What became of it; starts a job that has been checked, which cannot be started twice. */
export async function erased(
  ask: Ask,
  asked: { readonly id: Personal; readonly receipt: string | null },
): Promise<ErasureState> {
  const id = asked.id.reveal();
  const job = asked.receipt === null ? undefined : await jobOf(ask, asked.receipt);
  if (job !== undefined) return advance(ask, id, job);

  const customer = await ask("GET", at("customers", id));
  if (!("body" in customer)) return { state: "gone" };
  if (read(z.object({ deleted: z.boolean().optional() }), customer.body).deleted === true)
    return gone(await paymentsOf(ask, id));
  // The answer to the request was lost, or it never arrived.
  const lost = await jobFor(ask, id);
  return lost === undefined ? { state: "there" } : advance(ask, id, lost);
}

async function jobOf(ask: Ask, receipt: string) {
  const answer = await ask("GET", at(...JOBS, receipt));
  return "body" in answer ? read(Job, answer.body) : undefined;
}

const Jobs = z.object({ data: z.array(Job), has_more: z.boolean() });
/** Jobs of the last days are among the first; a lost answer is looked for within days. */
const PAGES_OF_JOBS = 10;

async function jobFor(ask: Ask, id: string): Promise<z.output<typeof Job> | undefined> {
  let after: string | undefined;
  for (let page = 0; page < PAGES_OF_JOBS; page++) {
    const fields = { limit: 100, expand: ["data.objects"], starting_after: after };
    const answer = await ask("GET", at(...JOBS), fields);
    if (!("body" in answer)) return undefined;
    const { data, has_more: more } = read(Jobs, answer.body);
    const ended = ["failed", "canceled"];
    const found = data.find(
      ({ status, objects }) => !ended.includes(status) && objects?.customers?.includes(id) === true,
    );
    after = data.at(-1)?.id;
    if (found !== undefined || !more || after === undefined) return found;
  }
  return undefined;
}

/** https://docs.stripe.com/api/privacy/redaction-job/object#privacy_redaction_job_object-status */
async function advance(
  ask: Ask,
  id: string,
  { id: job, status }: z.output<typeof Job>,
): Promise<ErasureState> {
  switch (status) {
    case "ready": {
      await ask("POST", at(...JOBS, job, "run"));
      return { state: "pending" };
    }
    case "created":
    case "validating":
    case "redacting":
    case "canceling":
      return { state: "pending" };
    case "succeeded":
      return gone(await invoicesOf(ask, id));
    case "failed":
    case "canceled":
      return { state: "refused" };
    default:
      return { state: "unknown" };
  }
}

const gone = (retained: Retention | undefined): ErasureState => ({
  state: "gone",
  ...(retained && { retained }),
});

const LEGAL = { basis: "legal_obligation" } as const;

/** Deletion leaves charges and invoices, with the name and the addresses that were given with them. */
async function paymentsOf(ask: Ask, id: string): Promise<Retention | undefined> {
  const latest = [await newest(ask, "charges", id), await newest(ask, "invoices", id)];
  const lastRecordAt = latest.flatMap((record) => record?.created ?? []).toSorted((a, b) => b - a)[0];
  if (lastRecordAt === undefined) return undefined;
  return {
    ...LEGAL,
    categories: ["name", "email_address", "postal_address", "customer_id", "payment", "purchase_history"],
    lastRecordAt: time(lastRecordAt),
  };
}

/** "Issued invoices can be subject to tax-integrity and record-retention requirements", and are then not redacted. */
async function invoicesOf(ask: Ask, id: string): Promise<Retention | undefined> {
  const invoice = await newest(ask, "invoices", id);
  const named = [invoice?.customer_email, invoice?.customer_name].some(
    (one) => one && !/redacted/i.test(one),
  );
  if (invoice === undefined || !named) return undefined;
  return {
    ...LEGAL,
    categories: ["name", "email_address", "postal_address", "customer_id", "purchase_history"],
    lastRecordAt: time(invoice.created),
  };
}

/** Lists begin with the latest. */
async function newest(ask: Ask, path: "charges" | "invoices", id: string) {
  const answer = await ask("GET", at(path), { customer: id, limit: 1 });
  return "body" in answer ? read(Records, answer.body).data[0] : undefined;
}

const time = (seconds: number) => new Date(seconds * 1_000).toISOString();
