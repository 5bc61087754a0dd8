import { setTimeout as sleep } from "node:timers/promises";
import type { RunningHub } from "./running-hub.ts";

/** Deliveries in one transaction. */
const CHUNK = 100_000;

/**
 * Makes a hub one that has so many deliveries behind it, by hand: everything that they leave, in rows like
 * those of a delivery that it processed itself, with ids, keyed hashes and leaves of their own. Of the audit log only the
 * tiles and roots are made up, so that it would not verify. A hundred times as quick as the door.
 */
export async function fillTo(
  hub: RunningHub,
  controller: string,
  count: number,
  say: (done: number) => void,
): Promise<void> {
  const stored = () =>
    hub.ask<number>(`select count(*)::int from lethe.delivery where controller_id = '${controller}'`);
  await sequenced(hub);
  for (let there = await stored(); there < count; there = await stored()) {
    say(there);
    await hub.superuser(async (sql) => {
      // No foreign key is looked up: they fit.
      await sql`set session_replication_role = replica`;
      await sql.unsafe(
        `begin;
         create temp table made on commit drop as
           select uuidv7(-interval '30 days' + n * interval '1 millisecond') as delivery, gen_random_uuid() as subject
           from generate_series(${there + 1}, ${Math.min(there + CHUNK, count)}) n;
         create temp table model on commit drop as
           select delivery_id as delivery, subject_id as subject from lethe.processing_activity where controller_id = :c limit 1;
         analyze made;
         ${STATEMENTS.join(";\n")};
         commit`.replaceAll(":c", `'${controller}'`),
      );
    });
  }
  await hub.superuser((sql) => sql.unsafe("vacuum analyze"));
  await hub.superuser((sql) => sql.unsafe("checkpoint"));
}

/** Nothing waits for its place in the log: what is behind the watermark that is set would never get one. */
async function sequenced(hub: RunningHub): Promise<void> {
  const waiting = `select count(*)::int from lethe.audit_event e, lethe.audit_sequencer s
    where (e.xid, e.id) > (s.watermark_xid, s.watermark_id) and e.id > s.floor_id`;
  while ((await hub.ask<number>(waiting)) > 0) await sleep(50);
}

/** A delivery that is like all that are made. */
const MODEL = "(select delivery from model)";
const OF_SUBJECT = "(select subject from model)";
/** 32 bytes that nothing else has. */
const hashOf = (...parts: string[]) => `sha256(${parts.map((part) => `${part}::text::bytea`).join(" || ")})`;

const STATEMENTS = [
  `insert into lethe.delivery (controller_id, id, connection_id, connector, topic, dedupe, body_mac, status, attempts, received_at, processed_at)
   select m.controller_id, delivery, m.connection_id, m.connector, m.topic, substring(${hashOf("delivery")} for 16),
     ${hashOf("delivery", "'body'")}, m.status, m.attempts, uuid_extract_timestamp(delivery), uuid_extract_timestamp(delivery) + interval '50 ms'
   from made, lethe.delivery m where m.controller_id = :c and m.id = ${MODEL}`,
  `insert into lethe.subject (controller_id, id, did, status, sealed_key, audit_reference, created_at)
   select m.controller_id, subject, 'did:lethe:' || encode(${hashOf("subject")}, 'hex'), m.status, m.sealed_key,
     ${hashOf("subject", "'reference'")}, uuid_extract_timestamp(delivery)
   from made, lethe.subject m where m.controller_id = :c and m.id = ${OF_SUBJECT}`,
  `insert into lethe.identifier (controller_id, kind, scope, hash, subject_id, key_version, normaliser, first_seen_at)
   select m.controller_id, m.kind, m.scope, ${hashOf("subject", "m.kind")}, subject, m.key_version, m.normaliser, uuid_extract_timestamp(delivery)
   from made, lethe.identifier m where m.controller_id = :c and m.subject_id = ${OF_SUBJECT}`,
  `insert into lethe.identifier_source (controller_id, subject_id, hash, kind, connection_id, first_seen_at)
   select m.controller_id, subject, ${hashOf("subject", "m.kind")}, m.kind, m.connection_id, uuid_extract_timestamp(delivery)
   from made, lethe.identifier_source m where m.controller_id = :c and m.subject_id = ${OF_SUBJECT}`,
  `insert into lethe.platform_reference (controller_id, subject_id, connection_id, hash, sealed, created_at)
   select m.controller_id, subject, m.connection_id, ${hashOf("subject", "'platform_id'")}, m.sealed, uuid_extract_timestamp(delivery)
   from made, lethe.platform_reference m where m.controller_id = :c and m.subject_id = ${OF_SUBJECT}`,
  `insert into lethe.object_reference (controller_id, connection_id, hash, subject_id, created_at)
   select m.controller_id, m.connection_id, ${hashOf("delivery", "'object'")}, subject, uuid_extract_timestamp(delivery)
   from made, lethe.object_reference m where m.controller_id = :c and m.subject_id = ${OF_SUBJECT}`,
  `insert into lethe.processing_activity (controller_id, delivery_id, ordinal, subject_id, connection_id, activity, purpose, lawful_basis, data_categories, recipient, occurred_at, recorded_at)
   select m.controller_id, delivery, m.ordinal, subject, m.connection_id, m.activity, m.purpose, m.lawful_basis, m.data_categories, m.recipient,
     uuid_extract_timestamp(delivery), uuid_extract_timestamp(delivery)
   from made, lethe.processing_activity m where m.controller_id = :c and m.delivery_id = ${MODEL}`,
  `insert into lethe.audit_event (controller_id, workflow_id, position, entry)
   select m.controller_id, delivery, m.position, m.entry
   from made, lethe.audit_event m where m.controller_id = :c and m.workflow_id = ${MODEL} order by delivery, m.position`,
  `insert into lethe.audit_leaf (controller_id, seq, event_id, event_xid, leaf)
   select e.controller_id, l.size + row_number() over (order by e.id) - 1, e.id, e.xid, sha256('\\x00'::bytea || e.entry)
   from lethe.audit_event e, lethe.audit_log l
   where e.controller_id = :c and l.controller_id = :c and e.xid = pg_current_xact_id()`,
  `with sized as (select max(seq) + 1 as size from lethe.audit_leaf where controller_id = :c)
   update lethe.audit_log set size = sized.size, frontier = decode(repeat('5a', 32 * bit_count(int8send(sized.size))::int), 'hex')
   from sized where controller_id = :c`,
  `update lethe.audit_sequencer set watermark_xid = pg_current_xact_id(),
     watermark_id = (select max(id) from lethe.audit_event where xid = pg_current_xact_id())`,
];
