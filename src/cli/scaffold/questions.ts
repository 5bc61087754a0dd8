import { platformSchemes } from "#kit";
import { LetheError } from "#schemas";
import {
  docsFault,
  type Fault,
  headerFault,
  placeFault,
  plainUrl,
  prefixFault,
  templateFault,
  titleFault,
  topicFault,
} from "./checks.ts";
import {
  GENERAL_SCHEMES,
  type Place,
  type Plan,
  placeOf,
  type SchemePlan,
  signedHeaders,
  TIME_FORMATS,
} from "./plan.ts";

/** The command's flags, as they were given. */
export interface NewOptions {
  readonly title?: string;
  readonly docs?: string;
  readonly scheme?: string;
  readonly header?: string;
  readonly algorithm?: "sha256" | "sha1";
  readonly encoding?: "hex" | "base64";
  readonly prefix?: string;
  readonly signed?: string;
  readonly timestampHeader?: string;
  readonly timestampFormat?: (typeof TIME_FORMATS)[number];
  readonly topic?: string;
  readonly firstTopic?: string;
  readonly id?: string;
  readonly account?: string;
  readonly dir?: string;
}

/** Somebody to ask: a terminal, or a test that has the answers. */
export interface Ask {
  /** `check` says what is wrong with an answer. */
  text(message: string, fallback: string | undefined, check: Fault): Promise<string>;
  choice(message: string, choices: readonly { value: string; name: string }[]): Promise<string>;
}

/** Throws `cli/bad-name`. */
export function checkName(id: string): void {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(id))
    throw new LetheError(
      "cli/bad-name",
      `"${id}" cannot be a connector's name: lower-case letters, digits and dashes`,
    );
}

/**
 * Takes what the flags say and asks for the rest; without anybody to ask, what is left has to have a default.
 * Each is checked as it comes. Throws `cli/…`, before anything is written.
 */
export async function planOf(
  id: string,
  options: NewOptions,
  kit: Plan["kit"],
  ask: Ask | undefined,
): Promise<Plan> {
  checkName(id);
  const scheme = await schemeOf(options, ask);
  const where = await wherever(options, ask, signedHeaders(scheme));
  const firstTopic = await answer(ask, "--first-topic", options.firstTopic, {
    question: "A topic to begin with",
    fallback: "contact.updated",
    check: topicFault,
  });
  const name = await answer(ask, "--title", options.title, {
    question: "The platform's own name",
    fallback: titled(id),
    check: titleFault,
  });
  const docs = await answer(ask, "--docs", options.docs, {
    question: "Its page on webhooks",
    fallback: `https://${id}.example/docs/webhooks`,
    check: docsFault,
  });
  return { id, name, documentation: plainUrl(docs) ?? "", scheme, firstTopic, kit, ...where };
}

async function schemeOf(options: NewOptions, ask: Ask | undefined): Promise<SchemePlan> {
  const kind = options.scheme ?? (await ask?.choice("How are its webhooks signed?", SCHEMES));
  if (kind === undefined) throw missing("--scheme");
  if (Object.hasOwn(platformSchemes, kind))
    return { kind: "platform", platform: kind as keyof typeof platformSchemes };
  if (kind === "basic" || kind === "url-secret") return { kind };
  const header = await headerOf(ask, options.header, "--header", "Which header carries the signature?");
  if (kind === "timestamped") return { kind, header };
  if (kind === "ecdsa")
    return {
      kind,
      header,
      timestampHeader: await headerOf(
        ask,
        options.timestampHeader,
        "--timestamp-header",
        "Which header carries the time?",
        header,
      ),
    };
  if (kind !== "hmac") throw new LetheError("cli/bad-scheme", `there is no scheme "${kind}"`);
  const algorithm =
    options.algorithm ?? (await ask?.choice("Which hash?", [plain("sha256"), plain("sha1")])) ?? "sha256";
  const encoding =
    options.encoding ?? (await ask?.choice("How is it written?", [plain("hex"), plain("base64")])) ?? "hex";
  const signed = await answer(ask, "--signed", options.signed, {
    question: "What is signed?",
    fallback: "{body}",
    check: templateFault,
    code: "cli/bad-scheme",
  });
  const prefix = await answer(ask, "--prefix", options.prefix, {
    question: "What stands before the signature, if anything (e.g. sha256=)?",
    fallback: "",
    check: prefixFault,
  });
  return {
    ...{ kind, header, algorithm: algorithm as "sha256", encoding: encoding as "hex" },
    ...(prefix === "" ? {} : { prefix }),
    ...(signed === "{body}" ? {} : { signed }),
    ...(signed.includes("{timestamp}") ? { timestamp: await timestampOf(options, ask, header) } : {}),
  };
}

async function timestampOf(options: NewOptions, ask: Ask | undefined, signature: string) {
  const header = await headerOf(
    ask,
    options.timestampHeader,
    "--timestamp-header",
    "Which header carries the time?",
    signature,
  );
  const format =
    options.timestampFormat ??
    (await ask?.choice("How is the time written?", TIME_FORMATS.map(plain))) ??
    "seconds";
  return { header, format: format as "seconds" };
}

async function wherever(options: NewOptions, ask: Ask | undefined, signed: readonly string[]) {
  if (options.topic === undefined && ask === undefined) throw missing("--topic");
  const found: Place[] = [];
  const place = async (flag: "topic" | "id" | "account", question: string, fallback: string) => {
    const check: Fault = (text) => {
      if (text.trim() === "none")
        return flag === "topic" ? "it cannot be none: a request must say what it is about" : undefined;
      return faultOf(text, (at) => placeFault(at, { signed, others: found, isId: flag === "id" }));
    };
    const text = await answer(ask, `--${flag}`, options[flag], {
      ...{ question, fallback, check },
      code: "cli/bad-place",
    });
    const at = text.trim() === "none" ? undefined : placeOf(text);
    if (at !== undefined) found.push(at);
    return at;
  };
  const topic = await place(
    "topic",
    "Where does a request say what it is about? (header:… or body:…)",
    "body:type",
  );
  if (topic === undefined) throw missing("--topic");
  return {
    topic,
    delivery: await place(
      "id",
      "What tells one delivery from another? (header:…, body:… or none: its bytes)",
      "none",
    ),
    account: await place(
      "account",
      "Which account of the platform is it for? (header:…, body:… or none)",
      "none",
    ),
  };
}

interface Question {
  readonly question: string;
  readonly fallback: string;
  readonly check: Fault;
  /** Of the error where a flag is wrong. */
  readonly code?: `cli/${string}`;
}

async function answer(
  ask: Ask | undefined,
  flag: string,
  given: string | undefined,
  { question, fallback, check, code = "cli/bad-option" }: Question,
): Promise<string> {
  const text = given ?? (await ask?.text(question, fallback, check)) ?? fallback;
  const fault = check(text);
  if (fault !== undefined) throw new LetheError(code, `${flag}: ${fault}`);
  return text;
}

async function headerOf(
  ask: Ask | undefined,
  given: string | undefined,
  flag: string,
  question: string,
  taken?: string,
): Promise<string> {
  const check = headerFault(taken);
  const name = given ?? (await ask?.text(question, undefined, check));
  if (name === undefined) throw missing(flag);
  const fault = check(name);
  if (fault !== undefined) throw new LetheError("cli/bad-header", `${flag}: ${fault}`);
  return name.toLowerCase();
}

const SCHEMES = [
  ...Object.entries(GENERAL_SCHEMES).map(([value, about]) => ({ value, name: `${value}: ${about}` })),
  ...Object.keys(platformSchemes).map((value) => ({ value, name: `as ${value} signs` })),
];
const plain = (value: string) => ({ value, name: value });
const titled = (id: string) =>
  id
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(" ");

function faultOf(text: string, check: (place: Place) => string | undefined): string | undefined {
  try {
    return check(placeOf(text));
  } catch (error) {
    return error instanceof Error ? error.message : "there is no such place";
  }
}

function missing(flag: string): LetheError {
  return new LetheError("cli/missing-option", `give ${flag}, or run this on a terminal, where it asks`);
}
