import type { Place, Plan } from "./plan.ts";
import { readmeOf } from "./readme.ts";
import { ACCOUNT, activityOf, DECLARED, PERSON, personKey } from "./sample.ts";
import { importOf, schemeCode } from "./scheme-code.ts";

/** Files by their path below the connector's folder; fixtures below `fixtures/`. */
export type Files = ReadonlyMap<string, string>;

/** A connector that passes its tests: with one topic, one fixture of it, and one of a body that cannot be read. */
export function filesOf(plan: Plan): Files {
  return new Map([
    ["index.ts", connectorOf(plan)],
    // Without it, Node takes TypeScript for CommonJS.
    ...(plan.kit === "lethe/kit" ? [["package.json", manifestOf(plan)] satisfies [string, string]] : []),
    ["README.md", readmeOf(plan)],
    [`fixtures/${fileName(plan)}.http`, sampleOf(plan)],
    ["fixtures/malformed.http", malformedOf(plan)],
  ]);
}

/** The first topic as a file's name; not the one of the other fixture. */
function fileName({ firstTopic }: Plan): string {
  const name = firstTopic.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return name === "malformed" || name === "-" ? "first-topic" : name;
}

function manifestOf({ id }: Plan): string {
  const manifest = { name: `lethe-connector-${id}`, version: "0.1.0", private: true, type: "module" };
  return `${JSON.stringify({ ...manifest, exports: "./index.ts" }, null, 2)}\n`;
}

function connectorOf(plan: Plan): string {
  const { id, name, documentation, kit, delivery, account } = plan;
  const places = [plan.topic, delivery, account].filter((place) => place !== undefined);
  const imports = [
    ...["activity", "defineConnector", "on", "optionalText", "platformId", "subject", "z"],
    ...(places.some((place) => place.in === "header") ? ["header"] : []),
    ...(places.some((place) => place.in === "body") ? ["field"] : []),
    importOf(plan.scheme),
  ].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase()));
  const extract = (place: Place) => `${place.in === "header" ? "header" : "field"}(${quote(place.at)})`;
  const list = imports.join(", ");
  const key = personKey(plan);
  const oneLine = `import { ${list} } from "${kit}";`;
  return `${oneLine.length <= 110 ? oneLine : `import {\n${imports.map((one) => `  ${one},\n`).join("")}} from "${kit}";`}

/** ${documentation} : only what is used is named; whatever else the platform sends is left out. */
const person = z.object({ ${key}: z.object({ id: platformId, email: optionalText, phone: optionalText }) });

export default defineConnector({
  id: ${quote(id)},
  name: ${quote(name)},
  documentation: ${quote(documentation)},

  webhook: {
    signature: ${schemeCode(plan.scheme)},
    body: "json",
    id: { parts: [${delivery === undefined ? "" : extract(delivery)}] },
    topic: ${extract(plan.topic)},
${account === undefined ? "" : `    account: ${extract(account)},\n`}  },

  activities: {
    ${quote(activityOf(plan))}: {
      purpose: ${quote(DECLARED.purpose)},
      lawfulBasis: ${quote(DECLARED.lawfulBasis)},
      dataCategories: [${DECLARED.dataCategories.map(quote).join(", ")}],
    },
  },

  events: {
    ${quote(plan.firstTopic)}: on(person, ({ ${key} }) => [
      subject({ platformId: ${key}.id, email: ${key}.email, phone: ${key}.phone }),
      activity(${quote(activityOf(plan))}),
    ]),
  },
});
`;
}

function sampleOf(plan: Plan): string {
  const { body, expected } = requestOf(plan);
  const records = [
    { type: "subject", email: [PERSON.email], phone: [PERSON.phone], platformId: [PERSON.id] },
    { type: "activity", activity: activityOf(plan) },
  ];
  const expect = { topic: plan.firstTopic, ...expected, records };
  return fixture(
    plan,
    `${plan.firstTopic}: replace the body with one of the platform's own samples`,
    body,
    expect,
  );
}

function malformedOf(plan: Plan): string {
  const { expected } = requestOf(plan);
  const known = {
    ...(plan.topic.in === "header" ? { topic: plan.firstTopic } : {}),
    ...(plan.account?.in === "header" ? expected : {}),
  };
  const expect = { ...known, error: "payload/unreadable" };
  return fixture(
    plan,
    "signed, but not JSON: kept sealed, and failed with a reason",
    '{"contact":',
    expect,
    "delivery-2",
  );
}

/** A body with everything in its place, and the account that must be found in it. */
function requestOf(plan: Plan): { body: string; expected: { account?: string } } {
  const body: Record<string, unknown> = {};
  for (const [place, value] of factsOf(plan)) if (place.in === "body") put(body, place.at.split("."), value);
  put(body, [personKey(plan)], { ...PERSON, name: "Paula Ng" });
  return {
    body: JSON.stringify(body, null, 2),
    expected: plan.account === undefined ? {} : { account: ACCOUNT },
  };
}

function factsOf({ topic, firstTopic, delivery, account }: Plan, id = "delivery-1"): [Place, string][] {
  return [
    [topic, firstTopic],
    ...(delivery === undefined ? [] : [[delivery, id] satisfies [Place, string]]),
    ...(account === undefined ? [] : [[account, ACCOUNT] satisfies [Place, string]]),
  ];
}

function put(into: Record<string, unknown>, [key = "", ...rest]: readonly string[], value: unknown): void {
  const inner = into[key];
  const known = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  if (rest.length > 0) {
    into[key] = known;
    put(known, rest, value);
  } else into[key] = typeof value === "object" ? { ...known, ...value } : value;
}

function fixture(plan: Plan, about: string, body: string, expect: object, id?: string): string {
  const headers = factsOf(plan, id).flatMap(([place, value]) =>
    place.in === "header" ? [`${place.at}: ${value}\n`] : [],
  );
  return `# ${about}
POST /
content-type: application/json
${headers.join("")}
${body}
=== expect
${JSON.stringify(expect, null, 2)}
`;
}

/** As the formatter writes it. */
const quote = (text: string) =>
  text.includes('"') && !/['\\\n]/.test(text) ? `'${text}'` : JSON.stringify(text);
