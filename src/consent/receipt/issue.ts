import { type ControllerTransaction, eq, tables } from "#database";
import { subjectById } from "#identity";
import type { Connector } from "#kit";
import type { ConsentReceipt, ConsentView } from "#schemas";
import type { ControllerKeys } from "#vault";
import { consentErrors } from "../errors.ts";
import { listPurposes } from "../purposes.ts";
import { listConsents } from "../view.ts";
import { consentReceipt } from "./receipt.ts";
import { signReceipt } from "./sign.ts";

/**
 * The signed receipt of a record, by its id (`<workflow>.<ordinal>`), in its controller's name. Throws
 * `consent/unknown-record`, or `consent/no-receipt` for an echo.
 */
export async function issueReceipt(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  connectors: ReadonlyMap<string, Connector>,
  id: string,
): Promise<ConsentReceipt> {
  const found = await findRecord(tx, id);
  if (found === undefined) throw consentErrors.unknownRecord();
  const { record, connector } = found;
  if (record.nature === "echo") throw consentErrors.noReceipt();
  const [controller] = await tx.db
    .select({ did: tables.controller.did, name: tables.controller.name })
    .from(tables.controller)
    .where(eq(tables.controller.controllerId, tx.controllerId));
  const subject = await subjectById(tx, record.subject);
  if (controller === undefined || subject === undefined) throw consentErrors.unknownRecord();
  const [records, purposes] = await Promise.all([
    listConsents(tx, { subject: record.subject, limit: 1_000_000 }),
    listPurposes(tx),
  ]);
  const title = purposes.find((purpose) => purpose.id === record.purpose)?.title;
  const now = new Date();
  const receipt = consentReceipt({
    record: { ...record, nature: record.nature, ...(title === undefined ? {} : { title }) },
    subject: subject.did,
    controller,
    connector: connector === null ? null : (connectors.get(connector)?.name ?? connector),
    history: records.flatMap(({ purpose, state, nature, occurredAt }) =>
      purpose === record.purpose && nature !== "echo" ? [{ state, nature, occurredAt }] : [],
    ),
    issuedAt: now.toISOString(),
  });
  const { key: privateKey, version } = keys.current("checkpoint");
  return signReceipt(receipt, { did: controller.did, version, privateKey, now });
}

async function findRecord(
  tx: ControllerTransaction,
  id: string,
): Promise<{ record: ConsentView; connector: string | null } | undefined> {
  const [workflow = "", ordinal = ""] = id.split(".");
  const [row] = await tx.sql<{ subject: string; connector: string | null }[]>`
    select c.subject_id as subject, n.connector from consent_record c
    left join connection n on n.controller_id = c.controller_id and n.id = c.connection_id
    where c.controller_id = ${tx.controllerId} and c.workflow_id = ${workflow} and c.ordinal = ${Number(ordinal)}`;
  if (row === undefined) return undefined;
  const records = await listConsents(tx, { subject: row.subject, limit: 1_000_000 });
  const record = records.find((one) => one.id === id);
  return record && { record, connector: row.connector };
}
