import { json, reception } from "./reception.ts";
import type { SimulatedApi, SimulatedRequest } from "./simulated.ts";

interface Contact {
  readonly id: string;
  email: string;
  first_name: string;
  last_name: string;
  readonly status: "active" | "optout" | "bounced";
}

interface Response_ {
  readonly id: string;
  readonly survey: string;
  /** Of whom it was sent to; empty for who answered by a link. */
  readonly email: string;
  readonly answer: string;
}

export interface SimulatedSurveyMonkey extends SimulatedApi {
  survey(): string;
  contact(email: string, status?: Contact["status"]): string;
  /** Somebody answers a survey: `<survey>/<response>`. */
  respond(given: { survey: string; email?: string; answer?: string }): string;
  contactOf(email: string): Contact | undefined;
}

export interface SurveyMonkeyOptions {
  readonly accessToken?: string;
  readonly accessUrl?: "https://api.surveymonkey.com" | "https://api.eu.surveymonkey.com";
}

/**
 * An account, as https://api.surveymonkey.com/v3/docs and its older text in
 * https://github.com/SurveyMonkey/public_api_docs/tree/master/includes tell it. Whoever is added is a contact who answered
 * a survey that they were invited to.
 */
export function simulateSurveyMonkey(options: SurveyMonkeyOptions = {}): SimulatedSurveyMonkey {
  const { accessToken = "t0ken-of-surveymonkey", accessUrl = "https://api.surveymonkey.com" } = options;
  const surveys: string[] = [];
  const contacts = new Map<string, Contact>();
  const responses = new Map<string, Response_>();
  const people = new Map<string, string>();
  // Ids are 64 bits wide.
  let last = 1_187_746_200_555_123_456n;
  const next = () => String(last++);

  function answer(request: SimulatedRequest): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (request.headers["authorization"] !== `Bearer ${accessToken}`)
      return failed(401, "1011", "The authorization token provided was invalid.");
    const [, version, kind, id, what, response, more] = pathname.split("/");
    if (version !== "v3") return missing();
    if (kind === "contacts")
      return id === undefined ? page(contactsBy(searchParams), request.url) : onContact(request, id);
    if (kind !== "surveys") return missing();
    if (id === undefined)
      return page(
        surveys.map((one) => ({ id: one, title: "How was it?" })),
        request.url,
      );
    if (!surveys.includes(id) || what !== "responses") return missing();
    if (response === "bulk") {
      const email = searchParams.get("email");
      const given = [...responses.values()].filter(
        (one) => one.survey === id && (email === null || one.email.includes(email)),
      );
      return page(given.map(shown), request.url);
    }
    const found = responses.get(`${id}/${response}`);
    if (found === undefined) return missing();
    if (request.method === "DELETE") responses.delete(`${id}/${response}`);
    return json(more === "details" ? detailed(found, searchParams.get("simple") === "true") : shown(found));
  }

  /** The search finds parts of an address, and without a status only who is active. */
  function contactsBy(query: URLSearchParams): object[] {
    const [by, text, status] = [
      query.get("search_by"),
      query.get("search") ?? "",
      query.get("status") ?? "active",
    ];
    return [...contacts.values()]
      .filter((one) => one.status === status && (by !== "email" || one.email.toLowerCase().includes(text)))
      .map(({ id, email, first_name, last_name }) => ({
        id,
        email,
        first_name,
        last_name,
        href: `${accessUrl}/${id}`,
      }));
  }

  function onContact({ method, body }: SimulatedRequest, id: string): Response {
    const found = contacts.get(id);
    if (found === undefined) return missing();
    if (method === "DELETE") {
      contacts.delete(id);
      return new Response(null, { status: 204 });
    }
    if (method === "PATCH") {
      const given = JSON.parse(body) as Partial<Contact>;
      const taken = [...contacts.values()].some((one) => one !== found && one.email === given.email);
      if (taken) return failed(409, "1025", `${given.email} is there already`);
      Object.assign(found, given);
    }
    const { email, first_name, last_name } = found;
    return json({
      id,
      email,
      first_name,
      last_name,
      custom_fields: { "6": "+14165550123" },
      href: accessUrl,
    });
  }

  function contact(email: string, status: Contact["status"] = "active"): string {
    const id = next();
    contacts.set(id, { id, email, first_name: "Carla", last_name: "Canary", status });
    return id;
  }
  function survey(): string {
    const id = next();
    surveys.push(id);
    return id;
  }
  function respond(given: { survey: string; email?: string; answer?: string }): string {
    const id = next();
    const place = `${given.survey}/${id}`;
    responses.set(place, { ...{ id, email: "", answer: "Lovely." }, ...given });
    return place;
  }

  return {
    connector: "surveymonkey",
    account: "77654321",
    credentials: { accessToken, accessUrl },
    serves: (host) => host === new URL(accessUrl).host,
    ...reception(answer),
    survey,
    contact,
    respond,
    contactOf: (email) => [...contacts.values()].find((one) => one.email === email),
    add({ email }) {
      contact(email);
      const place = respond({ survey: surveys[0] ?? survey(), email });
      people.set(place, email);
      return place;
    },
    has(place) {
      const [email, known] = [people.get(place), [...contacts.values(), ...responses.values()]];
      return responses.has(place) || (email !== undefined && known.some((one) => one.email === email));
    },
  };
}

const shown = ({ id, survey, email }: Response_) => ({
  ...{ id, survey_id: survey, ip_address: "192.0.2.16", response_status: "completed", email_address: "" },
  ...{ href: "https://api.surveymonkey.com/", edit_url: "https://www.surveymonkey.com/r/?sm=t0ken" },
  metadata: email === "" ? {} : { contact: { email: { type: "string", value: email } } },
});

const detailed = (given: Response_, simple: boolean) => ({
  ...shown(given),
  pages: [
    {
      id: "103332310",
      questions: [
        {
          id: "319352786",
          ...(simple && { heading: "How was it?" }),
          answers: [{ choice_id: "3057839051", ...(simple && { simple_text: given.answer }) }],
        },
      ],
    },
  ],
});

function page(records: readonly object[], url: string): Response {
  const { searchParams } = new URL(url);
  const [size, at] = [Number(searchParams.get("per_page") ?? 50), Number(searchParams.get("page") ?? 1)];
  if (size > 100) return failed(400, "1004", "per_page is too large");
  const following = at * size < records.length && { next: url.replace(`page=${at}`, `page=${at + 1}`) };
  const data = records.slice((at - 1) * size, at * size);
  return json({ data, page: at, per_page: size, total: records.length, links: { self: url, ...following } });
}

const missing = () => failed(404, "1020", "There was an error retrieving the requested resource.");

const failed = (status: number, id: string, message: string) =>
  json({ error: { id, message, http_status_code: status, name: "" } }, { status });
