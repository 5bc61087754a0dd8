import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { connectors } from "#connectors";
import { loadFixtures, makeCheck, planChecks } from "#kit";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

describe.each([...connectors.values()].map((connector) => ({ id: connector.id, connector })))(
  "$id",
  ({ id, connector }) => {
    const file = path(`${id}/README.md`);
    const readme = existsSync(file) ? readFileSync(file, "utf8") : "";
    const checks = planChecks(connector, loadFixtures(path(`../fixtures/${id}`)), { readme });

    // Those that apply: `lethe connector test` lists the others, with their reasons.
    const applying = checks.filter(({ skipped }) => skipped === undefined);

    test.for(applying.map((planned) => ({ ...planned, fixture: planned.fixture ?? "as a whole", planned })))(
      "$fixture: $name",
      async ({ planned }, { skip }) => {
        const { ok, detail, skipped } = await makeCheck(planned);
        if (skipped !== undefined) skip(skipped);
        expect(ok, detail).toBe(true);
      },
    );
  },
);
