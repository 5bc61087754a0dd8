import type { z } from "zod";
import { type Personal, platformErrors } from "#kit";
import type { CustomerIo } from "./api.ts";
import { type Attributes, attributesAnswer, peopleAnswer } from "./people.ts";

/** What Customer.io's own ids look like, and seldom a company's. */
const CIO_ID = /^[0-9a-f]{12,20}$/;

/** By each id, which may be the company's or Customer.io's own: webhooks carry both. */
export async function peopleById(
  customerIo: () => CustomerIo,
  platformIds: readonly Personal[],
): Promise<Attributes[]> {
  const found = new Map<string, Attributes>();
  const names = new Set<string>();
  const lookUp = async (id: string, kind: "Id" | "CioId") => {
    const person = await attributesOf(customerIo(), id, kind);
    if (person === undefined) return false;
    const { id: own, cio_id: cioId } = person.attributes;
    found.set(cioId, person);
    for (const name of [own, cioId]) names.add(String(name));
    return true;
  };
  const ids = platformIds.map((one) => one.reveal());
  // The company's own first: its answer names Customer.io's, which then need not be asked for.
  for (const id of ids.toSorted((a, b) => Number(CIO_ID.test(a)) - Number(CIO_ID.test(b)))) {
    const [likely, other] = CIO_ID.test(id) ? (["CioId", "Id"] as const) : (["Id", "CioId"] as const);
    if (!names.has(id) && !(await lookUp(id, likely))) await lookUp(id, other);
  }
  return [...found.values()];
}

/** By e-mail, which several people may have. `known`: those whom one need not look up once more. */
export async function peopleByEmail(
  customerIo: () => CustomerIo,
  emails: readonly Personal[],
  known: readonly Attributes[] = [],
): Promise<Attributes[]> {
  const seen = new Set(known.map(({ attributes }) => attributes.cio_id));
  const found: Attributes[] = [];
  for (const email of emails) {
    const answer = await customerIo().read((app) => app.getCustomersByEmail(email.reveal()));
    for (const { cio_id: cioId } of read(peopleAnswer, answer).results) {
      const person = seen.has(cioId) ? undefined : await attributesOf(customerIo(), cioId, "CioId");
      if (person !== undefined) found.push(person);
      seen.add(cioId);
    }
  }
  return found;
}

/** Undefined where nobody has the id. */
export async function attributesOf(
  customerIo: CustomerIo,
  id: string,
  kind: "Id" | "CioId",
): Promise<Attributes | undefined> {
  const answer = await customerIo.read((app, by) => app.getAttributes(id, by[kind]));
  return answer === undefined ? undefined : read(attributesAnswer, answer).customer;
}

/** What an answer holds, if it is what was asked for. */
export function read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw platformErrors.unreadable();
  return data;
}
