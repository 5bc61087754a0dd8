import { expect, test } from "vitest";
import { connectors } from "#connectors";
import { doorsOf, platformSchemes } from "#kit";

test.each(["customerio", "klaviyo", "quickbooks", "stripe", "surveymonkey", "woocommerce"] as const)(
  "%s signs for its connector as it does for a configuration that names it",
  (id) => {
    const connector = connectors.get(id);
    if (connector === undefined) throw new Error(`no connector ${id}`);
    expect(doorsOf(connector).map(({ signature }) => signature)).toEqual([platformSchemes[id]]);
  },
);
