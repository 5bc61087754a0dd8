import { z } from "zod";
import { ConsentMethod, ConsentNature, ConsentPurpose, ConsentState, LetheError } from "#schemas";
import { type AboutEvent, type Connector, doorsOf } from "./connector.ts";
import { connectorErrors, payloadErrors } from "./errors.ts";
import { type BodyFormat, parseBody } from "./payload.ts";
import type { PersonalRecord } from "./records.ts";

/** The topic as it may be stored in the clear: one that the connector declares, otherwise null. */
export function declaredTopic(connector: Connector, topic: string | undefined): string | null {
  return topic !== undefined && Object.hasOwn(connector.events, topic) ? topic : null;
}

/**
 * Turns a verified body into records, or undefined for a topic that the connector does not declare.
 * Throws `payload/*`; the errors name schema paths, never values.
 */
export function interpret(
  connector: Connector,
  body: Uint8Array,
  about: Omit<AboutEvent, "topic"> & { topic: string | undefined },
): readonly PersonalRecord[] | undefined {
  const payload = parseBody(bodyFormat(connector), body);
  if (about.topic === undefined) throw payloadErrors.noTopic();
  const handler = Object.hasOwn(connector.events, about.topic) ? connector.events[about.topic] : undefined;
  if (handler === undefined) return undefined;
  const parsed = handler.schema.safeParse(payload);
  if (!parsed.success) throw payloadErrors.unexpectedShape(whereOf(parsed.error));
  const records = recordsOf(() =>
    handler.records(parsed.data as never, { ...about, topic: about.topic ?? "" }),
  );
  checkDeclared(connector, records);
  return records;
}

function bodyFormat(connector: Connector): BodyFormat {
  return doorsOf(connector)[0]?.body ?? "json";
}

/** A connector's own exception could quote the payload: it is replaced. */
function recordsOf(read: () => readonly PersonalRecord[]): readonly PersonalRecord[] {
  try {
    return read();
  } catch (error) {
    throw error instanceof LetheError ? error : payloadErrors.connectorFault();
  }
}

/** Checked when it runs too: what is free text to a connector may be anything to a platform. */
const Choice = z.object({
  purpose: ConsentPurpose,
  state: ConsentState,
  nature: ConsentNature,
  method: ConsentMethod,
});

function checkDeclared(connector: Connector, records: readonly PersonalRecord[]): void {
  const subjects = records.filter(({ type }) => type === "subject").length;
  if (subjects > 1) throw connectorErrors.invalid(connector.id, "an event names more than one subject");
  for (const record of records) {
    if (record.type === "activity" && !Object.hasOwn(connector.activities, record.activity))
      throw connectorErrors.invalid(connector.id, `it records the undeclared activity "${record.activity}"`);
    if (record.type === "consent" && !Choice.safeParse(record).success)
      throw connectorErrors.invalid(connector.id, "it records a consent in words that are not the ledger's");
    const needsSubject = record.type === "activity" || record.type === "consent";
    if (needsSubject && subjects === 0)
      throw connectorErrors.invalid(connector.id, `it records ${record.type} without a subject`);
  }
}

/** The first issue's place and what was expected there. Paths hold the schema's own keys: shapes are declared, not data. */
function whereOf(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  const path =
    issue?.path.map((key) => (typeof key === "number" ? "[]" : String(key))).join(".") || "the top level";
  return `"${path}" (${issue?.code ?? "invalid"}${issue?.code === "invalid_type" ? `, expected ${issue.expected}` : ""})`;
}

/** A platform's id as text: digits stay digits, however many. */
export const platformId = z.union([z.string().min(1), z.int()]).transform(String);

/** Text that may be missing, null or blank. */
export const optionalText = z.string().nullish();
