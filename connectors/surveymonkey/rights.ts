import {
  type CorrectedField,
  type Corrections,
  collected,
  type ErasureState,
  type KnownPerson,
  Personal,
  type PersonEntry,
  platformErrors,
  type RectificationAnswer,
  type RightsSection,
} from "#kit";
import { type Account, openAccount, parse } from "./api.ts";
import { contact, detailed, isOf, ownOf, response, survey } from "./people.ts";

/** Somebody is a contact, and gave responses; each is deleted by itself. */
export const rightsSection: RightsSection = {
  can: ["access", "erasure", "rectification"],
  // What is gone is not there to be deleted again, and says so.
  repeatable: true,
  open: async (_credentials, _account, store) => {
    const account = openAccount(store);
    return {
      find: (person) => find(account, person),
      erased: ({ id }) => erased(account, id.reveal()),
    };
  },
};

async function find(account: Account, { platformIds, emails }: KnownPerson): Promise<readonly PersonEntry[]> {
  const addresses = new Set(emails.map((email) => email.reveal().trim().toLowerCase()));
  const known = platformIds.map((id) => id.reveal());
  const placed = new Set(known.filter((id) => PLACE.test(id)));
  const there: string[] = [];
  for (const place of placed) {
    const given = await account.read(addressOf(place), response);
    if (given === undefined) continue;
    there.push(place);
    // Whom it was sent to is who gave it: a contact, and perhaps of other responses.
    const address = addressIn(given)?.trim().toLowerCase();
    if (address) addresses.add(address);
  }

  const entries = new Map<string, PersonEntry>();
  for (const email of addresses)
    for (const id of await contactsOf(account, email)) entries.set(`contact/${id}`, ofContact(account, id));
  for (const place of there) entries.set(place, ofResponse(account, place));
  const alone = known.filter(
    (id) => /^\d{1,20}$/.test(id) && ![...placed].some((one) => one.endsWith(`/${id}`)),
  );
  for (const place of await search(account, [...addresses], alone))
    entries.set(place, entryOf(account, place));
  return [...entries.values()];
}

/** `<survey>/<response>`, as webhooks have it. */
const PLACE = /^\d{1,20}\/\d{1,20}$/;
const addressOf = (place: string) => `v3/surveys/${place.replace("/", "/responses/")}`;

/** Who opted out, or whose address bounced, is only listed where that is asked for. */
const STATUSES = ["active", "optout", "bounced"];

async function contactsOf(account: Account, email: string): Promise<string[]> {
  const found: string[] = [];
  for (const status of STATUSES) {
    const query = new URLSearchParams({ search_by: "email", search: email, status });
    for await (const page of account.pages(`v3/contacts?${query}`, contact))
      found.push(...page.filter((one) => isOf(one.email, email)).map(({ id }) => id));
  }
  return found;
}

/** Lookups for one person: an account may be asked 120 times a minute and 500 a day, and whatever stops halfway begins anew. */
const MAX_LOOKUPS = 60;

/** What stands for the responses that are too many surveys away to be searched for. */
const ELSEWHERE = "surveys";

/**
 * Responses can only be asked for survey by survey: by the address that an invitation went to, and by an id whose survey is
 * not known. Where there are more surveys than can be asked, somebody has to search.
 */
async function search(
  account: Account,
  emails: readonly string[],
  ids: readonly string[],
): Promise<string[]> {
  const wanted = emails.length + ids.length;
  if (wanted === 0) return [];
  const surveys: string[] = [];
  for await (const page of account.pages("v3/surveys", survey)) {
    surveys.push(...page.map(({ id }) => id));
    if (surveys.length * wanted > MAX_LOOKUPS) return [ELSEWHERE];
  }
  const places: string[] = [];
  for (const one of surveys) {
    for (const id of ids)
      if ((await account.read(addressOf(`${one}/${id}`), response)) !== undefined)
        places.push(`${one}/${id}`);
    for (const email of emails) {
      const query = new URLSearchParams({ email });
      // The filter is not relied upon: whatever it lets through would be deleted.
      for await (const page of account.pages(`v3/surveys/${one}/responses/bulk?${query}`, response))
        places.push(...page.filter((given) => isOf(addressIn(given), email)).map(({ id }) => `${one}/${id}`));
    }
  }
  return places;
}

const addressIn = ({ email_address, metadata }: ReturnType<typeof response.parse>) =>
  email_address || metadata?.contact?.email?.value;

const entryOf = (account: Account, place: string): PersonEntry =>
  place === ELSEWHERE ? { id: new Personal(place) } : ofResponse(account, place);

function ofContact(account: Account, id: string): PersonEntry {
  const address = `v3/contacts/${id}`;
  return {
    id: new Personal(`contact/${id}`),
    async collect() {
      const found = await account.read(address, detailed);
      const records = found === undefined ? [] : [ownOf(found)];
      return [collected("contacts", ["name", "email_address", "preferences"], records)];
    },
    erase: () => remove(account, address),
    rectify: (corrections) => rectify(account, address, corrections),
  };
}

function ofResponse(account: Account, place: string): PersonEntry {
  return {
    id: new Personal(place),
    async collect() {
      // `simple` has the questions and answers in words: their numbers alone would tell nobody what was said.
      const found = await account.read(`${addressOf(place)}/details?simple=true`, detailed);
      const records = found === undefined ? [] : [ownOf(found)];
      return [collected("responses", ["name", "email_address", "opinion", "ip_address"], records)];
    },
    erase: () => remove(account, addressOf(place)),
  };
}

async function remove(account: Account, address: string) {
  await account.send("DELETE", address);
  return {};
}

async function erased(account: Account, id: string): Promise<ErasureState> {
  const [, number] = /^contact\/(\d{1,20})$/.exec(id) ?? [];
  if (number === undefined && !PLACE.test(id)) return { state: "unknown" };
  const address = number === undefined ? addressOf(id) : `v3/contacts/${number}`;
  return { state: (await account.get(address)) === undefined ? "gone" : "there" };
}

/** What a contact can hold; the company's own fields may mean anything. */
const FIELDS = { email: "email", givenName: "first_name", familyName: "last_name" } as const;

async function rectify(
  account: Account,
  address: string,
  corrections: Corrections,
): Promise<RectificationAnswer> {
  const asked = (Object.keys(FIELDS) as (keyof typeof FIELDS)[]).filter((field) => corrections[field]);
  const unsupported = (["phone", "address"] as CorrectedField[]).filter((field) => corrections[field]);
  if (asked.length === 0) return { held: [], accepted: [], unsupported };
  const change = Object.fromEntries(asked.map((field) => [FIELDS[field], corrections[field]?.reveal()]));
  const answer = await account.send("PATCH", address, change);
  if (answer === undefined) throw platformErrors.refused(404);
  const after = parse(contact, answer);
  const isHeld = (field: keyof typeof FIELDS) => after[FIELDS[field]] === change[FIELDS[field]];
  return { held: asked.filter(isHeld), accepted: asked.filter((field) => !isHeld(field)), unsupported };
}
