import { platformSchemes } from "#kit";
import { LetheError } from "#schemas";
import {
  checkScheme,
  GENERAL_SCHEMES,
  type Place,
  type Plan,
  placeOf,
  type SchemePlan,
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
  text(
    message: string,
    fallback: string | undefined,
    check: (text: string) => string | undefined,
  ): Promise<string>;
  choice(message: string, choices: readonly { value: string; name: string }[]): Promise<string>;
}

/** Takes what the flags say and asks for the rest; without anybody to ask, what is left has to have a default. */
export async function planOf(
  id: string,
  options: NewOptions,
  kit: Plan["kit"],
  ask: Ask | undefined,
): Promise<Plan> {
  if (!/^[a-z][a-z0-9-]{1,30}$/.test(id))
    throw new LetheError(
      "cli/bad-name",
      `"${id}" cannot be a connector's name: lower-case letters, digits and dashes`,
    );
  const scheme = await schemeOf(options, ask);
  checkScheme(scheme);
  const where = await wherever(options, ask);
  const firstTopic = await answer(
    ask,
    options.firstTopic,
    "A topic to begin with",
    "contact.updated",
    filled,
  );
  const title = await answer(ask, options.title, "The platform's own name", titled(id), filled);
  const fallback = `https://${id}.example/docs/webhooks`;
  const documentation = await answer(ask, options.docs, "Its page on webhooks", fallback, filled);
  return { id, name: title, documentation, scheme, firstTopic, kit, ...where };
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
      ),
    };
  if (kind !== "hmac") throw new LetheError("cli/bad-scheme", `there is no scheme "${kind}"`);
  const algorithm =
    options.algorithm ?? (await ask?.choice("Which hash?", [plain("sha256"), plain("sha1")])) ?? "sha256";
  const encoding =
    options.encoding ?? (await ask?.choice("How is it written?", [plain("hex"), plain("base64")])) ?? "hex";
  const signed = await answer(ask, options.signed, "What is signed?", "{body}", filled);
  const prefix = await answer(
    ask,
    options.prefix,
    "What stands before the signature, if anything (e.g. sha256=)?",
    "",
    any,
  );
  return {
    ...{ kind, header, algorithm: algorithm as "sha256", encoding: encoding as "hex" },
    ...(prefix === "" ? {} : { prefix }),
    ...(signed === "{body}" ? {} : { signed }),
    ...(signed.includes("{timestamp}") ? { timestamp: await timestampOf(options, ask) } : {}),
  };
}

async function timestampOf(options: NewOptions, ask: Ask | undefined) {
  const header = await headerOf(
    ask,
    options.timestampHeader,
    "--timestamp-header",
    "Which header carries the time?",
  );
  const format =
    options.timestampFormat ??
    (await ask?.choice("How is the time written?", TIME_FORMATS.map(plain))) ??
    "seconds";
  return { header, format: format as "seconds" };
}

async function wherever(options: NewOptions, ask: Ask | undefined) {
  if (options.topic === undefined && ask === undefined) throw missing("--topic");
  const place = async (given: string | undefined, question: string, fallback: string) =>
    placeOrNone(await answer(ask, given, question, fallback, badPlace));
  const topic = await place(
    options.topic,
    "Where does a request say what it is about? (header:… or body:…)",
    "body:type",
  );
  if (topic === undefined)
    throw new LetheError("cli/bad-place", "--topic cannot be none: a request must say what it is about");
  return {
    topic,
    delivery: await place(
      options.id,
      "What tells one delivery from another? (header:…, body:… or none)",
      "none",
    ),
    account: await place(
      options.account,
      "Which account of the platform is it for? (header:…, body:… or none)",
      "none",
    ),
  };
}

async function answer(
  ask: Ask | undefined,
  given: string | undefined,
  question: string,
  fallback: string,
  check: (text: string) => string | undefined,
): Promise<string> {
  return given ?? (await ask?.text(question, fallback, check)) ?? fallback;
}

async function headerOf(
  ask: Ask | undefined,
  given: string | undefined,
  flag: string,
  question: string,
): Promise<string> {
  const name = given ?? (await ask?.text(question, undefined, badHeader));
  if (name === undefined) throw missing(flag);
  const fault = badHeader(name);
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

const any = () => undefined;
const filled = (text: string) => (text.trim() === "" ? "it cannot be empty" : undefined);
const badHeader = (text: string) =>
  /^[\w-]+$/.test(text) ? undefined : "a header's name has letters, digits and dashes";
const placeOrNone = (text: string): Place | undefined => (text === "none" ? undefined : placeOf(text));

function badPlace(text: string): string | undefined {
  try {
    placeOrNone(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "there is no such place";
  }
}

function missing(flag: string): LetheError {
  return new LetheError("cli/missing-option", `give ${flag}, or run this on a terminal, where it asks`);
}
