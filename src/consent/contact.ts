import { asBytea, type ControllerTransaction } from "#database";
import { knowEpochsOf, openForSubject, type SubjectKey, sealForSubject } from "#identity";
import { Personal, type Sealed, type SubjectId } from "#schemas";
import type { ControllerKeys } from "#vault";
import { withMerged } from "./history.ts";

/** Addresses of a person: in memory, within one step. */
export interface Contact {
  readonly emails: readonly Personal[];
  readonly phones: readonly Personal[];
}

/**
 * Keeps the addresses that choices came with, beside those that are kept already, sealed under the persons' keys: for
 * platforms that know a person by nothing else, because the payload that holds them is shredded before those are
 * asked. {@link forgetContacts} ends it.
 */
export async function keepContacts(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  contacts: readonly (Contact & { readonly subject: SubjectKey })[],
): Promise<void> {
  const given = contacts.filter(({ emails, phones }) => emails.length + phones.length > 0);
  if (given.length === 0) return;
  const { sql, controllerId } = tx;
  const subjects = new Map(given.map(({ subject }) => [subject.id, subject]));
  const known = await contactsOf(tx, keys, [...subjects.keys()]);
  await knowEpochsOf(tx, keys, [...subjects.values()]);
  const kept = [...subjects.values()].map((subject) => {
    const all = [known.get(subject.id), ...given.filter((one) => one.subject.id === subject.id)];
    const addresses = {
      emails: distinct(all.flatMap((one) => one?.emails ?? [])),
      phones: distinct(all.flatMap((one) => one?.phones ?? [])),
    };
    const sealed = sealForSubject(
      controllerId,
      keys,
      subject,
      placeOf(subject.id),
      JSON.stringify(addresses),
    );
    return { id: subject.id, sealed };
  });
  await sql`insert into consent_contact (controller_id, subject_id, sealed)
    select ${controllerId}::uuid, * from unnest(${kept.map(({ id }) => id)}::uuid[], ${asBytea(kept.map(({ sealed }) => sealed))}::bytea[]) as t(id)
    order by id -- as everybody takes them
    on conflict (controller_id, subject_id) do update set sealed = excluded.sealed, created_at = now()`;
}

const distinct = (values: readonly Personal[]) => [...new Set(values.map((value) => value.reveal()))];

/** The addresses that are kept of subjects and of those merged into them, by subject. */
export async function contactsOf(
  tx: ControllerTransaction,
  keys: ControllerKeys,
  subjects: readonly SubjectId[],
): Promise<Map<SubjectId, Contact>> {
  const { sql, controllerId } = tx;
  const rows = await sql<(SubjectKey & { survivor: SubjectId; sealed: Sealed<Contact> })[]>`
    select w.survivor, s.id, s.sealed_key as "sealedKey", c.sealed from ${withMerged(tx, subjects)}
    join consent_contact c on c.controller_id = ${controllerId} and c.subject_id = w.id
    join subject s on s.controller_id = ${controllerId} and s.id = w.id order by c.created_at desc`;
  await knowEpochsOf(tx, keys, rows);
  const opened = rows.map(({ sealed, survivor, ...holder }) => {
    const text = openForSubject(controllerId, keys, holder, placeOf(holder.id), sealed).reveal();
    return { survivor, ...(JSON.parse(text) as { emails: string[]; phones: string[] }) };
  });
  const personal = (values: string[]) => [...new Set(values)].map((value) => new Personal(value));
  return new Map(
    [...Map.groupBy(opened, ({ survivor }) => survivor)].map(([survivor, all]) => [
      survivor,
      {
        emails: personal(all.flatMap(({ emails }) => emails)),
        phones: personal(all.flatMap(({ phones }) => phones)),
      },
    ]),
  );
}

/**
 * Deletes what is kept of these subjects, or of all, unless it is still needed: for a choice that is to be planned, for a
 * platform that is to be brought in step, or to be asked once more by nothing but the address.
 */
export async function forgetContacts(
  { sql, controllerId }: ControllerTransaction,
  subjects?: readonly SubjectId[],
): Promise<void> {
  const concerned = sql`c.controller_id = ${controllerId} and (${subjects === undefined} or exists (
    select from unnest(${[...(subjects ?? [])]}::uuid[]) as wanted(id)
    where wanted.id in (s.id, s.merged_into) or wanted.id in (
      select id from subject where controller_id = ${controllerId} and merged_into = coalesce(s.merged_into, s.id))))`;
  // Taken first, so that what is looked at next is what whoever had them left behind: they may be due again.
  const taken = sql`select from consent_contact c join subject s on s.controller_id = c.controller_id and s.id = c.subject_id
    where ${concerned} order by c.subject_id for update of c`;
  const ended = sql`
    with family as (
      select c.subject_id as holder, f.id, c.subject_id
      from consent_contact c
      join subject s on s.controller_id = ${controllerId} and s.id = c.subject_id
      cross join lateral (
        select coalesce(s.merged_into, s.id) as id union all
        select id from subject where controller_id = ${controllerId} and merged_into = coalesce(s.merged_into, s.id)) as f
      where ${concerned}
    ), needed as (
      select holder from family where exists (
        select from consent_due d where d.controller_id = ${controllerId} and d.subject_id = family.id)
      or exists (
        select from consent_push p where p.controller_id = ${controllerId} and p.subject_id = family.id and (p.status = 'open'
          or p.status = 'done' and p.settled_at > now() - interval '15 minutes' and not exists (
            select from platform_reference r where r.controller_id = ${controllerId} and r.connection_id = p.connection_id
              and r.subject_id in (select id from family other where other.holder = family.holder))))
    )
    delete from consent_contact where controller_id = ${controllerId}
      and subject_id in (select holder from family) and subject_id not in (select holder from needed)`;
  await Promise.all([taken, ended]);
}

const placeOf = (subject: SubjectId) => ({ what: "consent-contact", recordId: subject });
