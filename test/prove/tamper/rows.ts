import { type Attempt, named, pick, statements } from "./attempt.ts";
import { rolledBack, TABLES } from "./logs.ts";

const OWNERS = [":a", ":b", ":hub"];

/** At a sealed place of a log that the seed chooses, not its last: `:seq` of `:x`. */
function at(kind: string, text: string): Attempt {
  return {
    kind,
    tamper: async (logs, random) => {
      const owner = named(logs, pick(random, OWNERS) ?? "");
      const [log] = await logs.rooms.sql.unsafe<{ size: number }[]>(
        `select size::int from lethe.audit_log where controller_id = ${owner}`,
      );
      const place = Math.floor(random() * ((log?.size ?? 0) - 2));
      const statement = named(logs, text.replaceAll(":x", owner).replaceAll(":seq", String(place)));
      return (await logs.change(statement)) > 0;
    },
  };
}

const EVENT_AT = "(select event_id from lethe.audit_leaf where controller_id = :x and seq = :seq)";
const TAKE_EVENT = `delete from lethe.audit_event where controller_id = :x and id = ${EVENT_AT};`;

/** A note with another character in its signature, of which nothing but a verification can tell. */
const SPOILT =
  "overlay(note placing case substr(note, length(note) - 20, 1) when 'A' then 'B' else 'A' end from length(note) - 20 for 1)";

/** Rows put in, taken out, doubled, and put in each other's place. */
export const ROWS: readonly Attempt[] = [
  at(
    "a character of each checkpoint's signature",
    `update lethe.audit_checkpoint set note = ${SPOILT} where controller_id = :x`,
  ),
  at("an event taken out", TAKE_EVENT),
  at("a leaf taken out", "delete from lethe.audit_leaf where controller_id = :x and seq = :seq"),
  at(
    "an event taken out with its leaf",
    `${TAKE_EVENT} delete from lethe.audit_leaf where controller_id = :x and seq = :seq`,
  ),
  at(
    "an event taken out with its leaf, and those after it moved up",
    `${TAKE_EVENT} delete from lethe.audit_leaf where controller_id = :x and seq = :seq;
     update lethe.audit_leaf set seq = -seq where controller_id = :x and seq > :seq;
     update lethe.audit_leaf set seq = -seq - 1 where controller_id = :x and seq < 0`,
  ),
  ...["-7", "9007199254740996", "9223372036854775807"].map((seq) =>
    at(
      `an event put in with a leaf at ${seq}`,
      `with added as (insert into lethe.audit_event (controller_id, workflow_id, position, entry, xid)
         select controller_id, gen_random_uuid(), 0, entry, xid from lethe.audit_event where controller_id = :x and id = ${EVENT_AT} returning *)
       insert into lethe.audit_leaf select controller_id, ${seq}, id, xid, sha256('\\x00'::bytea || entry) from added`,
    ),
  ),
  ...["-2147483648", "-1", "2147483647"].map((position) =>
    at(
      `an event's position made ${position}`,
      `update lethe.audit_event set position = ${position} where controller_id = :x and id = ${EVENT_AT}`,
    ),
  ),
  at("the log cut off", "delete from lethe.audit_leaf where controller_id = :x and seq > :seq"),
  at(
    "two leaves in each other's place",
    `update lethe.audit_leaf l set event_id = o.event_id, event_xid = o.event_xid, leaf = o.leaf from lethe.audit_leaf o
     where l.controller_id = :x and o.controller_id = :x and l.seq in (:seq, :seq + 1) and o.seq = 2 * :seq + 1 - l.seq`,
  ),
  at(
    "two events in each other's place",
    `update lethe.audit_leaf l set event_id = o.event_id, event_xid = o.event_xid from lethe.audit_leaf o
     where l.controller_id = :x and o.controller_id = :x and l.seq in (:seq, :seq + 1) and o.seq = 2 * :seq + 1 - l.seq`,
  ),
  at(
    "two events' entries in each other's place",
    `update lethe.audit_event e set entry = o.entry from lethe.audit_event o where e.controller_id = :x and o.controller_id = :x
     and e.id in (select event_id from lethe.audit_leaf where controller_id = :x and seq in (:seq, :seq + 1))
     and o.id in (select event_id from lethe.audit_leaf where controller_id = :x and seq in (:seq, :seq + 1)) and e.id <> o.id`,
  ),
  at(
    "a leaf doubled at the end",
    `insert into lethe.audit_leaf select controller_id, (select max(seq) + 1 from lethe.audit_leaf where controller_id = :x), event_id, event_xid, leaf
     from lethe.audit_leaf where controller_id = :x and seq = :seq`,
  ),
  at(
    "an event slipped into the past",
    `insert into lethe.audit_event (controller_id, xid, workflow_id, position, entry)
     select controller_id, '3', gen_random_uuid(), 0, entry from lethe.audit_event where controller_id = :x and id = ${EVENT_AT}`,
  ),
  at(
    "an event and a leaf put in, and those after it moved down",
    `update lethe.audit_leaf set seq = -seq - 1 where controller_id = :x and seq > :seq;
     update lethe.audit_leaf set seq = -seq where controller_id = :x and seq < 0;
     with added as (insert into lethe.audit_event (controller_id, workflow_id, position, entry)
       select controller_id, gen_random_uuid(), 0, entry from lethe.audit_event where controller_id = :x and id = ${EVENT_AT} returning *)
     insert into lethe.audit_leaf select controller_id, :seq + 1, id, xid, sha256('\\x00'::bytea || entry) from added`,
  ),
  at(
    "an event moved to another controller",
    `update lethe.audit_event set controller_id = case when controller_id = :a then :b::uuid else :a::uuid end where controller_id = :x and id = ${EVENT_AT}`,
  ),
  statements(
    "a leaf moved to another controller",
    `update lethe.audit_leaf set controller_id = :b, seq = (select max(seq) + 1 from lethe.audit_leaf where controller_id = :b)
     where controller_id = :a and seq = 20`,
  ),
  statements(
    "a whole log given to another controller",
    TABLES.slice(0, 5)
      .map(
        (table) =>
          `delete from lethe.${table} where controller_id = :b; update lethe.${table} set controller_id = :b where controller_id = :a;`,
      )
      .join(" "),
  ),
  statements(
    "a whole log taken out",
    TABLES.slice(0, 5)
      .map((table) => `delete from lethe.${table} where controller_id = :b;`)
      .join(" "),
  ),
  statements(
    "the hub's whole log taken out",
    TABLES.slice(0, 5)
      .map((table) => `delete from lethe.${table} where controller_id = :hub;`)
      .join(" "),
  ),
  statements("a tile taken out", "delete from lethe.audit_tile"),
  ...["level = 1", "level = 3", "level = -1", 'index = "index" + 1', 'index = "index" - 1'].map((place) => {
    const [column = "", value = ""] = place.split(" = ");
    const columns = { level: "level", index: '"index"', [column]: value };
    return statements(
      `a tile put in that belongs nowhere (${column} ${value.replaceAll('"', "")})`,
      `insert into lethe.audit_tile select controller_id, ${columns.level}, ${columns.index}, hashes from lethe.audit_tile`,
    );
  }),
  statements(
    "a tile of one controller given to another",
    "insert into lethe.audit_tile select :b, level, index, hashes from lethe.audit_tile",
  ),
  statements("what is recorded of a log taken out", "delete from lethe.audit_log where controller_id = :b"),
  statements(
    "what is recorded of a log taken from another",
    "update lethe.audit_log l set size = o.size, frontier = o.frontier from lethe.audit_log o where l.controller_id = :a and o.controller_id = :b",
  ),
  statements("a log's checkpoints taken out", "delete from lethe.audit_checkpoint where controller_id = :a"),
  ...["min", "max"].map((which) =>
    statements(
      `a checkpoint taken out (${which})`,
      `delete from lethe.audit_checkpoint where controller_id = :a and id = (select ${which}(id) from lethe.audit_checkpoint where controller_id = :a)`,
    ),
  ),
  ...[":a", ":hub"].map((owner) =>
    statements(
      `a checkpoint replaced by an older one${owner === ":hub" ? ", of the hub" : ""}`,
      `update lethe.audit_checkpoint c set size = o.size, note = o.note from lethe.audit_checkpoint o
       where c.controller_id = ${owner} and o.controller_id = ${owner} and c.id = (select max(id) from lethe.audit_checkpoint where controller_id = ${owner})
         and o.id = (select min(id) from lethe.audit_checkpoint where controller_id = ${owner})`,
    ),
  ),
  statements(
    "a checkpoint replaced by a newer one",
    `update lethe.audit_checkpoint c set size = o.size, note = o.note from lethe.audit_checkpoint o
     where c.controller_id = :a and o.controller_id = :a and c.id = (select min(id) from lethe.audit_checkpoint where controller_id = :a)
       and o.id = (select max(id) from lethe.audit_checkpoint where controller_id = :a)`,
  ),
  statements(
    "a checkpoint replaced by another controller's",
    `update lethe.audit_checkpoint c set size = o.size, note = o.note from lethe.audit_checkpoint o
     where c.controller_id = :a and o.controller_id = :b and c.id = (select max(id) from lethe.audit_checkpoint where controller_id = :a)
       and o.id = (select max(id) from lethe.audit_checkpoint where controller_id = :b)`,
  ),
  statements(
    "a checkpoint put in from another controller",
    "insert into lethe.audit_checkpoint (controller_id, size, note) select :a, size, note from lethe.audit_checkpoint where controller_id = :b",
  ),
  statements(
    "a checkpoint twice",
    "insert into lethe.audit_checkpoint (controller_id, size, note) select controller_id, size, note from lethe.audit_checkpoint where controller_id = :a",
  ),
  statements(
    "an older checkpoint of the hub taken out",
    "delete from lethe.audit_checkpoint where controller_id = :hub and id = (select min(id) from lethe.audit_checkpoint where controller_id = :hub)",
  ),
  statements(
    "the hub's last checkpoint taken out",
    "delete from lethe.audit_checkpoint where controller_id = :hub and id = (select max(id) from lethe.audit_checkpoint where controller_id = :hub)",
  ),
  statements(
    "the hub's last checkpoints taken out, nothing held outside",
    "delete from lethe.audit_checkpoint where controller_id = :hub and id > (select min(id) from lethe.audit_checkpoint where controller_id = :hub)",
    "nothing",
  ),
  statements("the sequencer's row taken out", "delete from lethe.audit_sequencer"),
];

/** Every choice of the tables rolled back to what they were, all logs or one controller's. */
export const ROLLED_BACK: readonly Attempt[] = Array.from({ length: 2 ** TABLES.length - 1 }, (_, n) => {
  const tables = TABLES.filter((_, i) => ((n + 1) >> i) & 1);
  if (tables.length === TABLES.length) return [];
  if (tables.length === 1 && tables[0] === "audit_sequencer")
    return [statements("the sequencer's state rolled back alone", rolledBack("first", tables))];
  return [
    statements(
      `rolled back: ${tables.map((table) => table.slice(6)).join(", ")}`,
      rolledBack("first", tables),
    ),
  ];
})
  .flat()
  .concat(
    statements("the whole database rolled back", rolledBack("first", TABLES)),
    statements(
      "the whole database rolled back, nothing held outside",
      rolledBack("first", TABLES),
      "nothing",
    ),
    statements(
      "the whole database rolled back to what is held outside",
      rolledBack("first", TABLES),
      "first",
    ),
    statements(
      "one controller's log rolled back",
      rolledBack("first", TABLES.slice(0, 5), "controller_id = :a"),
    ),
    statements("the hub's log rolled back", rolledBack("first", TABLES.slice(0, 5), "controller_id = :hub")),
  );

/** What happens to events that no checkpoint covers yet. */
const WAITING =
  "controller_id = :a and not exists (select from lethe.audit_leaf l where l.controller_id = e.controller_id and l.event_id = e.id)";
export const UNSEALED: readonly Attempt[] = [
  statements(
    "an event taken out before it had its place",
    `delete from lethe.audit_event e where ${WAITING}`,
  ),
  statements(
    "an event changed before it had its place",
    `update lethe.audit_event e set entry = convert_to(replace(convert_from(entry, 'UTF8'), 'thing:', 'other:'), 'UTF8') where ${WAITING}`,
  ),
  statements(
    "an event put in, to be sealed next",
    `insert into lethe.audit_event (controller_id, workflow_id, position, entry) select controller_id, gen_random_uuid(), 0, entry from lethe.audit_event e where ${WAITING}`,
  ),
];
