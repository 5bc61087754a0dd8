import {
  type ConsentSection,
  type ConsentTarget,
  type HeldConsent,
  instant,
  type KnownPerson,
  onePerson,
  type PersonThere,
  z,
} from "#kit";
import { type Audience, type Credentials, fault, openAudience, refusal } from "./api.ts";
import { memberByHash, membersById, read, subscriberHash } from "./members.ts";

/** Consent as the Marketing API holds it: a member's status, and the marketing permissions of the audience's own making. */
export const consentSection: ConsentSection = {
  purposes: ["email_marketing"],
  lists: /^permission:[0-9a-z]+$/i,
  open: async (credentials: Credentials, account) => {
    const audience = await openAudience(credentials, account);
    return { find: (person) => find(audience, person) };
  },
};

/** https://mailchimp.com/developer/marketing/api/list-members/get-member-info/ : no more than this is asked for. */
const Member = z.object({
  id: z.string(),
  status: z.string(),
  timestamp_opt: z.string().nullish(),
  marketing_permissions: z
    .array(z.object({ marketing_permission_id: z.string(), enabled: z.boolean() }))
    .nullish(),
});
type Member = z.output<typeof Member>;
const FIELDS = Object.keys(Member.shape);

/**
 * The person's members: by the ids that webhooks carry, and by those addresses that are not among them already. One
 * request for each, so one in all for who is known by the id and the address of one member.
 */
async function find(
  audience: Audience,
  { platformIds, emails }: KnownPerson,
): Promise<PersonThere | undefined> {
  // Archived members are not found by it.
  const fields = FIELDS.map((field) => `members.${field}`);
  const byId = (
    await Promise.all(platformIds.map((id) => membersById(audience, Member, id.reveal(), { fields })))
  ).flat();
  const hashes = new Set(emails.map((email) => subscriberHash(email.reveal())));
  for (const { id } of byId) hashes.delete(id);
  const byHash = await Promise.all(
    [...hashes].map((hash) => memberByHash(audience, Member, hash, { fields: FIELDS })),
  );
  const members = [...byId, ...byHash.flatMap((member) => member ?? [])];
  return onePerson([...new Map(members.map((member) => [member.id, there(audience, member)])).values()]);
}

/** What of a 400 says that only the person can come back, by a form of Mailchimp's. */
const NEEDS_THEM = new Set(["Member In Compliance State", "Forgotten Email Not Subscribed"]);

function there({ id, lists }: Audience, member: Member): PersonThere {
  return {
    held: (target) => heldBy(member, target),
    async set(target, wish) {
      const granted = wish.state === "granted";
      try {
        const body = change(target, granted);
        // Fields that the audience wants of new members are none of a choice's business.
        const after = await lists.updateListMember(id, member.id, body, { skip_merge_validation: true });
        return { answer: "held", held: heldBy(read(Member, after), target, wish.state) };
      } catch (error) {
        // To set `pending` instead would send them a message. That is not ours to do.
        if (granted && NEEDS_THEM.has(refusal(error)?.title ?? "")) return { answer: "confirmation_needed" };
        throw fault(error);
      }
    },
  };
}

/** https://mailchimp.com/developer/marketing/api/list-members/update-list-member/ */
function change({ list }: ConsentTarget, granted: boolean): object {
  if (list === undefined) return { status: granted ? "subscribed" : "unsubscribed" };
  return {
    marketing_permissions: [{ marketing_permission_id: permissionOf(list), enabled: granted }],
  };
}

/** `just`: what was set this moment, and so is known to be chosen. */
function heldBy(
  member: Member,
  target: ConsentTarget,
  just?: "granted" | "withdrawn",
): HeldConsent | undefined {
  if (target.list !== undefined) {
    const permission = member.marketing_permissions?.find(
      ({ marketing_permission_id }) => marketing_permission_id === permissionOf(target.list),
    );
    if (permission === undefined) return undefined;
    // A box without a tick does not tell whether it ever had one.
    return { state: permission.enabled ? "granted" : just === "withdrawn" ? just : "not_asked" };
  }
  if (target.purpose !== "email_marketing") return undefined;
  return stateOf(member);
}

const permissionOf = (list: string) => list.slice("permission:".length);

/**
 * A withdrawal has no `since`: Mailchimp does not tell when somebody left. `last_changed` comes after it, but anything
 * changes it, our own requests included, so that it would make an old opt-out look like a new one.
 */
function stateOf({ status, timestamp_opt }: Member): HeldConsent {
  switch (status) {
    case "subscribed":
      return { state: "granted", since: instant(timestamp_opt ?? undefined) };
    case "unsubscribed":
      return { state: "withdrawn" };
    case "pending":
      return { state: "pending" };
    case "transactional":
      return { state: "not_asked" };
    case "cleaned":
      return { state: "not_asked", blocked: "bounced" };
    // `archived`: the company took them out, and what they had chosen is not told. A change would bring them back.
    default:
      return { state: "not_asked", blocked: "suppressed" };
  }
}
