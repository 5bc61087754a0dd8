import {
  type CollectedSet,
  collected,
  type DataCategory,
  type ErasureAnswer,
  type ErasureState,
  type KnownPerson,
  Personal,
  type PersonEntry,
  type RightsSection,
  z,
} from "#kit";
import { type Audience, type Credentials, fault, openAudience, refusal } from "./api.ts";
import { memberByHash, membersById, read, subscriberHash } from "./members.ts";
import { rectify } from "./rectify.ts";

/** What the Marketing API does for a member of the audience. See the README for what Mailchimp keeps. */
export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  // Who is deleted is not found a second time.
  repeatable: true,
  async open(credentials: Credentials, account) {
    const audience = await openAudience(credentials, account);
    return {
      find: (person) => find(audience, person),
      erased: ({ id, receipt }) => erased(audience, id.reveal(), receipt),
    };
  },
};

/** https://mailchimp.com/developer/marketing/api/list-members/get-member-info/ : all that there is, but the API's own links. */
const Member = z.looseObject({
  /** The hash of the address. */
  id: z.string().min(1),
  unique_email_id: z.string().min(1),
  email_address: z.string(),
  merge_fields: z.record(z.string(), z.unknown()).nullish(),
});
export type Member = z.output<typeof Member>;

async function find(audience: Audience, { platformIds, emails }: KnownPerson): Promise<PersonEntry[]> {
  const byId = (await Promise.all(platformIds.map((id) => everyStatus(audience, id.reveal())))).flat();
  const hashes = new Set(emails.map((email) => subscriberHash(email.reveal())));
  for (const { id } of byId) hashes.delete(id);
  const withoutLinks = { exclude_fields: ["_links"] };
  const byHash = await Promise.all(
    [...hashes].map((hash) => memberByHash(audience, Member, hash, withoutLinks)),
  );
  const members = [...byId, ...byHash.flatMap((member) => member ?? [])];
  // An address of nobody and an audience that is not there get the same answer.
  if (members.length === 0 && platformIds.length === 0 && hashes.size > 0) await mustBeThere(audience);
  return [...new Map(members.map((member) => [member.id, entryOf(audience, member)])).values()];
}

/** Archived members are only listed for who asks for them, and have not lost their data. */
async function everyStatus(audience: Audience, uniqueEmailId: string): Promise<Member[]> {
  const exclude_fields = ["_links", "members._links"];
  const known = await membersById(audience, Member, uniqueEmailId, { exclude_fields });
  if (known.length > 0) return known;
  return membersById(audience, Member, uniqueEmailId, { exclude_fields, status: "archived" });
}

async function mustBeThere({ id, lists }: Audience): Promise<void> {
  try {
    await lists.getList(id, { fields: ["id"] });
  } catch (error) {
    throw fault(error);
  }
}

function entryOf(audience: Audience, member: Member): PersonEntry {
  return {
    id: new Personal(member.unique_email_id),
    collect: () => collect(audience, member),
    erase: () => erase(audience, member.id),
    rectify: (corrections) => rectify(audience, member, corrections),
  };
}

const PROFILE: readonly DataCategory[] = [
  ...(["name", "email_address", "telephone_number", "postal_address"] as const),
  ...(["preferences", "language", "location", "ip_address", "date_of_birth"] as const),
];

/** What there is of a member beside themselves, a page at a time. */
const PAGED = [
  { title: "tags", categories: ["preferences"], page: "getListMemberTags" },
  { title: "activity", categories: ["communication", "usage"], page: "getListMemberActivityFeed" },
  { title: "events", categories: ["usage"], page: "getListMemberEvents" },
  { title: "notes", categories: ["communication"], page: "getListMemberNotes" },
] as const;

/** Mailchimp gives at most 1,000 in an answer (https://mailchimp.com/developer/marketing/docs/methods-parameters/#pagination). */
const PAGE = 500;
/** Records of one sort, for which there is room in memory. */
const MOST = 10_000;

async function collect(audience: Audience, member: Member): Promise<CollectedSet[]> {
  const sets = [collected("member", PROFILE, [member])];
  for (const { title, categories, page } of PAGED) {
    const records: unknown[] = [];
    let last: number;
    do {
      const some = await recordsOf(audience, member, title, page, { count: PAGE, offset: records.length });
      records.push(...some);
      last = some.length;
    } while (last === PAGE && records.length < MOST);
    sets.push(collected(title, categories, records, { incomplete: last === PAGE }));
  }
  // The API gives the last fifty and no more.
  const goals = await recordsOf(audience, member, "goals", "getListMemberGoals", {});
  return [...sets, collected("goals", ["usage"], goals, { incomplete: goals.length >= 50 })];
}

async function recordsOf(
  { id, lists }: Audience,
  member: Member,
  title: string,
  method: (typeof PAGED)[number]["page"] | "getListMemberGoals",
  options: object,
): Promise<unknown[]> {
  // Who of the company wrote a note is somebody else.
  const exclude_fields = ["_links", `${title}._links`, ...(title === "notes" ? ["notes.created_by"] : [])];
  try {
    const answer = await lists[method](id, member.id, { ...options, exclude_fields });
    return read(z.looseObject({ [title]: z.array(z.unknown()) }), answer)[title] as unknown[];
  } catch (error) {
    throw fault(error);
  }
}

/** https://mailchimp.com/developer/marketing/api/list-members/delete-list-member/ : the address can never be imported again. */
async function erase({ id, lists }: Audience, hash: string): Promise<ErasureAnswer> {
  try {
    await lists.deleteListMemberPermanent(id, hash);
    // Mailchimp gives no number; that it took it is all there is to know later on.
    return { receipt: "204" };
  } catch (error) {
    // Somebody was faster, or the audience is gone: which of the two shows when it is read back, by another address.
    if (refusal(error)?.status === 404) return {};
    throw fault(error);
  }
}

/** Looked for in the audience's list, which answers 404 only if there is no such audience: that is an error, and no proof. */
async function erased(
  audience: Audience,
  uniqueEmailId: string,
  receipt: string | null,
): Promise<ErasureState> {
  const members = await everyStatus(audience, uniqueEmailId);
  if (members.length === 0) return { state: "gone" };
  return { state: receipt === null ? "there" : "pending" };
}
