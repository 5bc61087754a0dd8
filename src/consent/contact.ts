import { asBytea, type ControllerTransaction } from "#database";
import { openForSubject, type SubjectKey, sealForSubject } from "#identity";
import { Personal, type Sealed, type SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { withMerged } from "./history.ts";

/** Addresses of a person: in memory, within one step. */
export interface Contact {
  readonly emails: readonly Personal[];
  readonly phones: readonly Personal[];
}

/**
 * Keeps the addresses that choices came with, sealed under the persons' keys, for platforms that know a person by nothing
 * else: the payload that holds them is shredded before those are asked. {@link forgetContacts} ends it.
 */
export async function keepContacts(
  { sql, controllerId }: ControllerTransaction,
  keys: ControllerKeys,
  contacts: readonly (Contact & { readonly subject: SubjectKey })[],
): Promise<void> {
  const kept = contacts.filter(({ emails, phones }) => emails.length + phones.length > 0);
  if (kept.length === 0) return;
  const sealed = kept.map(({ subject, emails, phones }) => {
    const addresses = {
      emails: emails.map((email) => email.reveal()),
      phones: phones.map((phone) => phone.reveal()),
    };
    return sealForSubject(controllerId, keys, subject, placeOf(subject.id), JSON.stringify(addresses));
  });
  await sql`insert into consent_contact (controller_id, subject_id, sealed)
    select ${controllerId}::uuid, * from unnest(${kept.map(({ subject }) => subject.id)}::uuid[], ${asBytea(sealed)}::bytea[])
    on conflict (controller_id, subject_id) do update set sealed = excluded.sealed, created_at = now()`;
}

/** The addresses that are kept of a subject and of those merged into it. */
export async function contactOf(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  subject: SubjectId,
): Promise<Contact> {
  const { sql, controllerId } = tx;
  const rows = await sql<(SubjectKey & { sealed: Sealed<Contact> })[]>`
    select s.id, s.sealed_key as "sealedKey", c.sealed from ${withMerged(tx, [subject])}
    join consent_contact c on c.controller_id = ${controllerId} and c.subject_id = w.id
    join subject s on s.controller_id = ${controllerId} and s.id = w.id order by c.created_at desc`;
  const opened = rows.map(({ sealed, ...holder }) => {
    const text = openForSubject(controllerId, keys, holder, placeOf(holder.id), sealed).reveal();
    return JSON.parse(text) as { emails: string[]; phones: string[] };
  });
  const personal = (values: string[]) => [...new Set(values)].map((value) => new Personal(value));
  return {
    emails: personal(opened.flatMap(({ emails }) => emails)),
    phones: personal(opened.flatMap(({ phones }) => phones)),
  };
}

/** Deletes what is kept of these subjects, unless a platform is still to be brought in step with one of them. */
export async function forgetContacts(
  tx: ControllerTransaction,
  subjects: readonly SubjectId[],
): Promise<void> {
  const { sql, controllerId } = tx;
  await sql`
    with family as (
      select distinct family.id, coalesce(s.merged_into, s.id) as survivor from unnest(${[...subjects]}::uuid[]) as wanted(id)
      join subject s on s.controller_id = ${controllerId} and s.id = wanted.id
      cross join lateral (
        select coalesce(s.merged_into, s.id) as id union all
        select id from subject where controller_id = ${controllerId} and merged_into = coalesce(s.merged_into, s.id)) as family
    )
    delete from consent_contact c using family f where c.controller_id = ${controllerId} and c.subject_id = f.id and not exists (
      select from consent_push p join family other on other.survivor = f.survivor and other.id = p.subject_id
      where p.controller_id = ${controllerId} and p.status = 'open')`;
}

const placeOf = (subject: SubjectId) => ({ what: "consent-contact", recordId: subject });
