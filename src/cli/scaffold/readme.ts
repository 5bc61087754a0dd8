import { basic, type Connector, defineConnector, type Fixture, field, on, topicsTable, z } from "#kit";
import type { Place, Plan, SchemePlan } from "./plan.ts";
import { activityOf, DECLARED } from "./sample.ts";
import { schemeCode } from "./scheme-code.ts";

/** The README of a new connector: what is known, and what its author is to find out. */
export function readmeOf(plan: Plan): string {
  const { name, documentation, scheme, delivery, account, topic } = plan;
  return `# ${name}

**Verifies** \`${verifies(scheme)}\`.

**Topic** ${placeText(topic)}. **Account** ${account === undefined ? "none" : placeText(account)}. **Told apart by** ${delivery === undefined ? "the body" : placeText(delivery)}.

<!-- topics -->
${topicsTable(inMemory(plan), [sampled(plan)])}
<!-- /topics -->

What one trips over:

- (What is not in the documentation: retries, secrets that change, test events, ids that repeat.)

Sources: [webhooks](${documentation}).
`;
}

/** On one line, and without what could be taken for the lines around the topics. */
const verifies = (scheme: SchemePlan) =>
  schemeCode(scheme).replaceAll(/\s+/g, " ").replaceAll("<!--", "&lt;!--");

const placeText = (place: Place) =>
  place.in === "header" ? `the header \`${place.at}\`` : `the body's \`${place.at}\``;

/** As much of the connector as its table of topics needs. */
function inMemory(plan: Plan): Connector {
  const { id, name, documentation, firstTopic } = plan;
  return defineConnector({
    ...{ id, name, documentation },
    webhook: { signature: basic(), body: "json", id: { parts: [] }, topic: field("type") },
    activities: { [activityOf(plan)]: DECLARED },
    events: { [firstTopic]: on(z.unknown(), () => []) },
  });
}

function sampled(plan: Plan): Fixture {
  const records = [{ type: "activity", activity: activityOf(plan) }];
  const request = {
    name: "",
    about: "",
    method: "POST",
    url: "/",
    headers: {},
    body: "",
    answers: new Map(),
  };
  return { ...request, expect: { topic: plan.firstTopic, records } };
}
