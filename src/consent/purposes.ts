import type { ControllerTransaction } from "#database";
import { ConsentPurpose, type Purpose, type PurposeView } from "#schemas";
import { consentErrors } from "./errors.ts";

/** What everybody's purposes are, in words. */
const STANDARD: Record<ConsentPurpose, string> = {
  email_marketing: "Marketing by e-mail",
  sms_marketing: "Marketing by text message",
  whatsapp_marketing: "Marketing by WhatsApp",
  phone_marketing: "Marketing by telephone",
  postal_marketing: "Marketing by post",
  analytics: "Analytics",
  profiling: "Profiling and personalised advertising",
  sale_or_sharing: "Sale or sharing of personal data",
};

/** The purposes that a controller's people can be asked for: everybody's, then its own by age. */
export async function listPurposes({ sql, controllerId }: ControllerTransaction): Promise<PurposeView[]> {
  const own = await sql<{ id: Purpose; title: string }[]>`
    select id, title from consent_purpose where controller_id = ${controllerId} order by created_at, id`;
  return [
    ...ConsentPurpose.options.map((id) => ({
      id,
      title: STANDARD[id],
      own: false,
      controller: controllerId,
    })),
    ...own.map((purpose) => ({ ...purpose, own: true, controller: controllerId })),
  ];
}

/** Adds a purpose of the controller's own. Throws `consent/purpose-exists`. */
export async function addPurpose(
  tx: ControllerTransaction,
  purpose: { id: Purpose; title: string },
): Promise<PurposeView> {
  const known = await listPurposes(tx);
  if (known.some(({ id }) => id === purpose.id)) throw consentErrors.purposeExists(purpose.id);
  await tx.sql`insert into consent_purpose (controller_id, id, title) values (${tx.controllerId}, ${purpose.id}, ${purpose.title})`;
  return { ...purpose, own: true, controller: tx.controllerId };
}

/** A purpose by its name. Throws `consent/unknown-purpose`, which names those that there are. */
export async function checkPurpose(tx: ControllerTransaction, given: string): Promise<PurposeView> {
  const known = await listPurposes(tx);
  const found = known.find(({ id }) => id === given);
  if (found === undefined)
    throw consentErrors.unknownPurpose(
      given,
      known.map(({ id }) => id),
    );
  return found;
}
