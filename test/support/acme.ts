import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The checkout's own kit, for a connector that lies outside of it. */
const KIT = pathToFileURL("src/kit/index.ts").href;

/** Writes a connector of a platform called Acme, with a fixture, into a folder as its author would; `change` breaks it. */
export function acme(
  folder: string,
  options: { kit?: string; change?: (code: string) => string } = {},
): string {
  const { kit = KIT, change = (code) => code } = options;
  mkdirSync(join(folder, "fixtures"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "index.ts"), change(CODE.replace("lethe/kit", kit)));
  writeFileSync(join(folder, "fixtures/customer-created.http"), FIXTURE);
  return folder;
}

const CODE = `import { activity, defineConnector, field, header, hmac, on, subject, z } from "lethe/kit";

const customer = z.object({ id: z.string(), email: z.string() });

export default defineConnector({
  id: "acme",
  name: "Acme",
  documentation: "https://acme.example.com/webhooks",
  webhook: {
    signature: hmac({ header: "x-acme-signature", algorithm: "sha256", encoding: "hex" }),
    body: "json",
    id: { parts: [field("id")] },
    topic: header("x-acme-topic"),
  },
  activities: {
    "customer.created": {
      purpose: "customer_management",
      lawfulBasis: "contract",
      dataCategories: ["email_address", "customer_id"],
    },
  },
  events: {
    "customer.created": on(customer, ({ id, email }) => [
      subject({ platformId: id, email }),
      activity("customer.created"),
    ]),
  },
});
`;

const FIXTURE = `# customer.created: somebody made an account
POST /
content-type: application/json
x-acme-topic: customer.created

{"id": "1", "email": "jenny@example.com"}
=== expect
{"topic": "customer.created", "records": [{"type": "subject", "email": ["jenny@example.com"], "platformId": ["1"]}, {"type": "activity", "activity": "customer.created"}]}
`;
