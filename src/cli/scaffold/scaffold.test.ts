import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConnector } from "#connectors";
import { checkConnector, loadFixtures, makeCheck, planChecks } from "#kit";
import { filesOf } from "./files.ts";
import { schemeNames } from "./plan.ts";
import { type Ask, type NewOptions, planOf } from "./questions.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** In the checkout, where `#kit` is known. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(ROOT, "scaffold-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BODY: NewOptions = { topic: "body:type", id: "body:id", account: "body:workspace.id" };
const HEADERS: NewOptions = { topic: "header:X-Topic", id: "header:x-id", account: "header:x-account" };
const cases: [name: string, options: NewOptions][] = [
  ["hmac", { ...BODY, scheme: "hmac", header: "X-Acme-Signature", docs: "https://acme.example/docs" }],
  [
    "hmac-template",
    {
      ...HEADERS,
      ...{
        scheme: "hmac",
        header: "x-signature-of-the-whole-request",
        algorithm: "sha256",
        encoding: "base64",
      },
      ...{
        prefix: "v1=",
        signed: "v1:{timestamp}:{body}",
        timestampHeader: "x-signed-at",
        timestampFormat: "milliseconds",
      },
    },
  ],
  ["timestamped", { topic: "body:meta.event", scheme: "timestamped", header: "x-signature" }],
  ["ecdsa", { ...BODY, scheme: "ecdsa", header: "x-signature", timestampHeader: "x-timestamp" }],
  ["basic", { ...HEADERS, scheme: "basic" }],
  ["url-secret", { topic: "body:contact.event", scheme: "url-secret", firstTopic: "Contact Was/Updated" }],
  ["github", { topic: "header:x-github-event", id: "header:x-github-delivery", scheme: "github" }],
  ["standard-webhooks", { ...BODY, id: "header:webhook-id", scheme: "standard-webhooks" }],
  ["twilio", { ...BODY, scheme: "twilio", title: 'Twilio "Voice"' }],
];

describe("a new connector", () => {
  test.each(cases)("that signs as %s passes its tests as it is written", async (name, options) => {
    const plan = await planOf(name, options, "#kit", undefined);
    for (const [path, text] of filesOf(plan)) {
      const file = join(folder, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const { connector } = await loadConnector(join(folder, name));
    const readme = filesOf(plan).get("README.md") ?? "";
    const report = await checkConnector(connector, loadFixtures(join(folder, name, "fixtures")), { readme });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(15);
  });

  test("is written in the project's style, and type-checks", () => {
    const tool = (...command: string[]) =>
      spawnSync("npx", command, { cwd: ROOT, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
    const lint = tool("biome", "check", "--error-on-warnings", folder);
    expect(lint.status, lint.stderr).toBe(0);
    const files = cases.map(([name]) => join(folder, name, "index.ts"));
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../tsconfig.json", include: [], files }),
    );
    const types = tool("tsc", "--noEmit", "-p", folder);
    expect(types.status, types.stdout).toBe(0);
  }, 60_000);

  test("of another place than the checkout has a manifest, because Node takes its TypeScript for CommonJS otherwise", async () => {
    const plan = await planOf("acme", { ...BODY, scheme: "basic" }, "lethe/kit", undefined);
    expect(JSON.parse(filesOf(plan).get("package.json") ?? "")).toMatchObject({ type: "module" });
    expect(filesOf(plan).get("index.ts")).toContain('from "lethe/kit"');
  });
});

describe("whatever it is called and wherever its facts stand", () => {
  const pick = (...values: string[]) => fc.constantFrom(...values);
  const place = fc.oneof(
    pick("header:x-topic", "header:X-Id", "header:webhook-id", "header:x-signature", "header:content-type"),
    pick("body:type", "body:id", "body:contact", "body:contact.id", "body:contact.id.x", "body:customer.a"),
    pick("body:__proto__.x", "body:constructor.name", "body:0.1", "body:toString", "none", "", "type"),
  );
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    pick("", "*/", "<!-- topics -->", "`|\\n"),
  );
  const options = fc.record({
    scheme: fc.constantFrom(...schemeNames()),
    header: pick("x-signature", "Authorization", "content-type", "x signature"),
    timestampHeader: pick("x-time", "x-signature", "date"),
    signed: pick(
      "{body}",
      "{timestamp}.{body}",
      "{timestamp}",
      "{body}{nonce}",
      "<!-- topics -->{body}",
      "{method}{url}\n{body}",
    ),
    prefix: fc.oneof(pick("", "sha256=", "v1,", "<!-- topics -->"), text),
    encoding: pick("hex", "base64"),
    ...{ topic: place, id: place, account: place },
    title: text,
    docs: fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      text,
      pick("https://a.b/*/x"),
    ),
    firstTopic: fc.oneof(
      pick("malformed", "a", "constructor", "__PROTO__", "=== expect", "# x", '"a"'),
      text,
    ),
  });

  /** What a README must not take for its own lines. */
  const MARKED = {
    ...{ scheme: "hmac", header: "x-signature", timestampHeader: "x-time", encoding: "hex" },
    ...{ signed: "<!-- topics -->{body}", prefix: "<!-- /topics -->", topic: "body:contact.a", id: "none" },
    ...{
      account: "body:customer",
      title: "Acme",
      docs: "https://a.b/<!-- topics -->",
      firstTopic: "malformed",
    },
  };

  test("what is written passes, or it is refused before anything is written", {
    timeout: 120_000,
  }, async () => {
    let n = 0;
    let passed = 0;
    const name = () => `any-${n++}`;
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const id = name();
        const plan = await planOf(id, given as NewOptions, "#kit", undefined).catch((error) => {
          expect(error.code).toMatch(/^cli\/bad-/);
        });
        if (!plan) return;
        passed++;
        for (const [path, content] of filesOf(plan)) {
          const file = join(folder, "any", id, path);
          mkdirSync(dirname(file), { recursive: true });
          writeFileSync(file, content, { flag: "wx" });
        }
        const { connector } = await loadConnector(join(folder, "any", id));
        expect(connector).toMatchObject({ id, name: given.title });
        const fixtures = loadFixtures(join(folder, "any", id, "fixtures"));
        const readme = filesOf(plan).get("README.md") ?? "";
        // Those with hostile bodies are slow, and see nothing of names and places.
        const planned = planChecks(connector, fixtures, { readme }).filter(
          (check) => !check.name.startsWith("withstands"),
        );
        const checks = await Promise.all(planned.map(makeCheck));
        expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      }),
      { numRuns: 1_500, examples: [[MARKED]] },
    );
    rmSync(join(folder, "any"), { recursive: true, force: true });
    expect(passed).toBeGreaterThan(30);
  });

  test("a page on webhooks ends no comment", async () => {
    const docs = "https://acme.example/*/docs(1)";
    const plan = await planOf("acme", { ...BODY, scheme: "basic", docs }, "#kit", undefined);
    expect(filesOf(plan).get("index.ts")).toContain("/** https://acme.example/%2A/docs%281%29 : ");
  });
});

describe("what the flags do not say", () => {
  /** Somebody who answers each question by its beginning, and takes what is proposed otherwise. */
  const answering = (answers: Record<string, string>, questions: string[] = []): Ask => {
    const find = (message: string) => {
      questions.push(message);
      return Object.entries(answers).find(([start]) => message.startsWith(start))?.[1];
    };
    return {
      text: async (message, fallback, check) => {
        const given = find(message) ?? fallback ?? "";
        const fault = check(given);
        if (fault !== undefined) throw new Error(fault);
        return given;
      },
      choice: async (message, choices) => find(message) ?? choices[0]?.value ?? "",
    };
  };

  test("is asked for on a terminal", async () => {
    const questions: string[] = [];
    const answers = {
      "How are its webhooks signed": "hmac",
      "Which header carries the signature": "x-sig",
      "How is it written": "base64",
      "What is signed": "{timestamp}.{body}",
      "Which header carries the time": "x-time",
      "Where does a request say": "header:x-topic",
      "What tells one delivery": "body:id",
    };
    const plan = await planOf("big-crm", {}, "lethe/kit", answering(answers, questions));
    expect(plan).toEqual({
      id: "big-crm",
      name: "Big Crm",
      documentation: "https://big-crm.example/docs/webhooks",
      scheme: {
        ...{ kind: "hmac", header: "x-sig", algorithm: "sha256", encoding: "base64" },
        ...{ signed: "{timestamp}.{body}", timestamp: { header: "x-time", format: "seconds" } },
      },
      topic: { in: "header", at: "x-topic" },
      firstTopic: "contact.updated",
      delivery: { in: "body", at: "id" },
      account: undefined,
      kit: "lethe/kit",
    });
    expect(questions).toHaveLength(14);
  });

  test("is not asked for if a flag says it", async () => {
    const questions: string[] = [];
    const options = {
      ...BODY,
      scheme: "github",
      firstTopic: "push",
      title: "GitHub",
      docs: "https://docs.github.com",
    };
    await planOf("github", options, "#kit", answering({}, questions));
    expect(questions).toEqual([]);
  });

  test.each<[string, string, NewOptions, string]>([
    ["its scheme", "acme", { topic: "body:type" }, "cli/missing-option"],
    ["where the signature is", "acme", { scheme: "hmac", topic: "body:type" }, "cli/missing-option"],
    [
      "where the time is",
      "acme",
      { ...BODY, scheme: "hmac", header: "x", signed: "{timestamp}{body}" },
      "cli/missing-option",
    ],
    ["what it is about", "acme", { scheme: "basic" }, "cli/missing-option"],
    ["a place that is none", "acme", { scheme: "basic", topic: "type" }, "cli/bad-place"],
    ["no topic at all", "acme", { scheme: "basic", topic: "none" }, "cli/bad-place"],
    [
      "a template with an unknown part",
      "acme",
      { ...BODY, scheme: "hmac", header: "x", signed: "{oops}" },
      "cli/bad-scheme",
    ],
    ["a page that is none", "acme", { ...BODY, scheme: "basic", docs: "*/ evil()" }, "cli/bad-option"],
    ["an empty title", "acme", { ...BODY, scheme: "basic", title: "" }, "cli/bad-option"],
    ["an empty topic", "acme", { ...BODY, scheme: "basic", firstTopic: " " }, "cli/bad-option"],
    [
      "a header that HTTP itself uses",
      "acme",
      { scheme: "basic", topic: "header:content-type" },
      "cli/bad-place",
    ],
    [
      "a header that the signature uses",
      "acme",
      { scheme: "standard-webhooks", topic: "header:webhook-timestamp" },
      "cli/bad-place",
    ],
    ["two facts in one place", "acme", { ...BODY, scheme: "basic", id: "body:type.id" }, "cli/bad-place"],
    [
      "a time where the signature is",
      "acme",
      { ...BODY, scheme: "ecdsa", header: "x", timestampHeader: "X" },
      "cli/bad-header",
    ],
    ["a name that is none", "Acme Inc", { ...BODY, scheme: "basic" }, "cli/bad-name"],
  ])("is an error without anybody to ask: %s", async (_what, id, options, code) => {
    await expect(planOf(id, options, "#kit", undefined)).rejects.toMatchObject({ code });
  });
});
