import type { BrokenBuild } from "../harness.ts";

/** Seconds of one round, of which there is always one. */
const seconds = 1;

/** Leaks as careless changes make them: the quickest to be found first. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    what: "logs what a delivery holds, where that is interesting for whoever looks for a fault",
    by: / in log of the hub$/,
    seconds,
    changes: [
      {
        file: "src/workflows/open-delivery.ts",
        at: "const { about, body } = openRequest(keys, controllerId, id, sealed);",
        instead:
          'const { about, body } = openRequest(keys, controllerId, id, sealed); process.stderr.write("opened " + Buffer.from(body));',
      },
    ],
  },
  {
    what: "says in the error what it could not read, which is stored with the delivery",
    by: / in table lethe\.delivery$/,
    seconds,
    changes: [
      {
        file: "src/kit/payload.ts",
        at: '  } catch {\n    throw payloadErrors.unreadable("json");',
        instead:
          '  } catch {\n    throw Object.assign(payloadErrors.unreadable("json"), { message: "cannot read " + text.slice(0, 2_000) });',
      },
    ],
  },
  {
    what: "stores what it should seal as it is",
    by: / in table lethe\./,
    seconds,
    changes: [
      {
        file: "src/vault/sealing.ts",
        at: "const text = gcmSeal(encryption, iv, associated, plaintext);",
        instead: "const text = Buffer.concat([plaintext, Buffer.alloc(TAG)]);",
      },
      {
        file: "src/vault/sealing.ts",
        at: "return gcmOpen(encryption, sealed.subarray(IV_AT, TEXT_AT), associated, sealed.subarray(TEXT_AT));",
        instead: "return Buffer.from(sealed.subarray(TEXT_AT, sealed.length - TAG));",
      },
    ],
  },
  {
    what: "returns from a step what a platform answered",
    by: / in table lethe\.runtime_/,
    seconds,
    changes: [
      {
        file: "src/workflows/process-delivery.ts",
        at: "for (const { error } of fetched.values()) if (error?.retry === true) throw error;",
        instead:
          "for (const { error } of fetched.values()) if (error?.retry === true) throw error; return [...fetched.values()].map(({ object }) => object);",
      },
    ],
  },
  {
    what: "counts refusals by address in a metric",
    by: / in (?:metrics|answers)$/,
    seconds,
    changes: [
      {
        file: "src/intake/door.ts",
        at: 'observe({ connector: known.id, outcome: "refused", reason });',
        instead:
          'observe({ connector: known.id, outcome: "refused", reason: reason + " " + arrival.address });',
      },
    ],
  },
  {
    what: "answers a wrong address with the address",
    by: / in answers$/,
    seconds,
    changes: [
      {
        file: "src/http/app.ts",
        at: 'new LetheError("http/not-found", "there is nothing at this address", { status: 404 })',
        instead:
          'new LetheError("http/not-found", "there is nothing at " + context.req.url, { status: 404 })',
      },
    ],
  },
  {
    what: "leaves a temporary file of what it packed",
    by: / in temporary: packing\.json$/,
    seconds,
    changes: [
      {
        file: "src/workflows/rights-bundle.ts",
        at: "const { name, timeZone, connections, platforms, knowledge } = gathered;",
        instead: `const { name, timeZone, connections, platforms, knowledge } = gathered;
  process.getBuiltinModule("node:fs").writeFileSync(
    process.getBuiltinModule("node:os").tmpdir() + "/packing.json",
    platforms.flatMap(({ sets }) => sets.map(({ records }) => records.reveal())).join(),
  );`,
      },
    ],
  },
  {
    what: "works on a payload in a file that it deletes and does not close",
    by: / in open: /,
    seconds,
    changes: [
      {
        file: "src/workflows/open-delivery.ts",
        at: "const { about, body } = openRequest(keys, controllerId, id, sealed);",
        instead: `const { about, body } = openRequest(keys, controllerId, id, sealed);
  const { openSync, unlinkSync, writeSync } = process.getBuiltinModule("node:fs");
  const file = \`\${process.getBuiltinModule("node:os").tmpdir()}/\${id}\`;
  globalThis.kept ??= openSync(file, "wx");
  writeSync(globalThis.kept, body);
  try { unlinkSync(file); } catch {}`,
      },
    ],
  },
  {
    what: "names the person in a message's subject",
    by: / in message \d+ of \d+$/,
    seconds,
    changes: [
      {
        file: "src/workflows/tell-of-rights-request.ts",
        at: "await mailer.send({ to, ...mail });",
        instead: 'await mailer.send({ to, ...mail, subject: mail.subject + " for " + to.reveal() });',
      },
    ],
  },
];
