import type { Place, Plan } from "./plan.ts";
import { schemeCode } from "./scheme-code.ts";

/** The README of a new connector: what is known, and what its author is to find out. */
export function readmeOf({ name, documentation, scheme, delivery, account, topic }: Plan): string {
  return `# ${name}

**Verifies** \`${schemeCode(scheme).replaceAll(/\s+/g, " ")}\`.

**Topic** ${placeText(topic)}. **Account** ${account === undefined ? "none" : placeText(account)}. **Told apart by** ${delivery === undefined ? "the body" : placeText(delivery)}.

<!-- topics -->
<!-- /topics -->

What one trips over:

- (What is not in the documentation: retries, secrets that change, test events, ids that repeat.)

Sources: [webhooks](${documentation}).
`;
}

const placeText = (place: Place) =>
  place.in === "header" ? `the header \`${place.at}\`` : `the body's \`${place.at}\``;
