import { z } from "zod";
import { Did } from "./ids.ts";
import { ConsentMethod, ConsentNature } from "./vocabulary.ts";

/**
 * What the words of a receipt mean, whole, so that nobody has to fetch anything to read one: the W3C's Data Privacy
 * Vocabulary (https://w3id.org/dpv, terms that are in 2.0 to 2.3), Dublin Core, schema.org, and of
 * https://w3id.org/security/data-integrity/v2 what a proof needs.
 */
export const RECEIPT_CONTEXT = {
  dpv: "https://w3id.org/dpv#",
  pd: "https://w3id.org/dpv/pd#",
  loc: "https://w3id.org/dpv/loc#",
  "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
  "legal-eu": "https://w3id.org/dpv/legal/eu#",
  dct: "http://purl.org/dc/terms/",
  schema: "https://schema.org/",
  sec: "https://w3id.org/security#",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  lethe: "urn:lethe:ns:",
  "dct:audience": { "@type": "@id" },
  "dct:conformsTo": { "@type": "@id" },
  "dct:created": { "@type": "xsd:dateTime" },
  "dct:publisher": { "@type": "@id" },
  "dpv:hasApplicability": { "@type": "@id" },
  "dpv:hasApplicableLaw": { "@type": "@id" },
  "dpv:hasDataController": { "@type": "@id" },
  "dpv:hasDuration": { "@type": "@id" },
  "dpv:hasJurisdiction": { "@type": "@id" },
  "dpv:hasLegalBasis": { "@type": "@id" },
  "dpv:hasPersonalData": { "@type": "@id" },
  "dpv:hasProcessing": { "@type": "@id" },
  "dpv:hasRecipient": { "@type": "@id" },
  "dpv:isIndicatedAtTime": { "@type": "xsd:dateTime" },
  "dpv:isIndicatedBy": { "@type": "@id" },
  proof: { "@id": "sec:proof", "@type": "@id", "@container": "@graph" },
  DataIntegrityProof: "sec:DataIntegrityProof",
  type: "@type",
  cryptosuite: { "@id": "sec:cryptosuite", "@type": "sec:cryptosuiteString" },
  created: { "@id": "dct:created", "@type": "xsd:dateTime" },
  verificationMethod: { "@id": "sec:verificationMethod", "@type": "@id" },
  proofPurpose: { "@id": "sec:proofPurpose", "@type": "@vocab" },
  assertionMethod: "sec:assertionMethod",
  proofValue: { "@id": "sec:proofValue", "@type": "sec:multibase" },
} as const;

type Constant = string | { readonly [key: string]: Constant };

/** No other value than this. */
function exactly(value: Constant): z.ZodType {
  if (typeof value === "string") return z.literal(value);
  return z.strictObject(Object.fromEntries(Object.entries(value).map(([key, of]) => [key, exactly(of)])));
}

const time = z.iso.datetime();
const text = z.string();
const context = exactly(RECEIPT_CONTEXT);
const consentId = text.regex(/^urn:lethe:consent:[\w.:-]+$/);
const receiptId = text.regex(/^urn:lethe:receipt:[\w.:-]+$/);

/** ISO/IEC TS 27560 wants the field, and the hub does not know what belongs there. */
const notKnown = z.object({
  "@type": text.optional(),
  "dpv:hasApplicability": z.literal("dpv:NotAvailable"),
});

const Purpose = z
  .object({ "@id": text.regex(/^urn:lethe:purpose:[\w:]+$/), "@type": text, "dct:title": text })
  .describe("A purpose, and of which kind of the Data Privacy Vocabulary it is.");

const Process = z.object({
  "@type": z.literal("dpv:Process"),
  "dpv:hasPurpose": Purpose,
  "dpv:hasProcessing": text.optional(),
  "dpv:hasPersonalData": text,
  "dpv:hasLegalBasis": text,
  "dpv:hasRecipient": z.array(
    z.union([Did, z.object({ "@type": z.literal("dpv:Recipient"), "dpv:hasName": text })]),
  ),
  "dpv:hasStorageCondition": notKnown,
  "dpv:hasConsentControl": z.object({
    "@type": z.literal("dpv:WithdrawConsent"),
    "dpv:isExercisedAt": notKnown,
  }),
  "dpv:hasRight": z.object({ "@type": z.array(text), "dct:title": text, "dpv:isExercisedAt": notKnown }),
});

const ConsentEvent = z
  .object({
    "@type": z.enum([
      "dpv:ConsentGiven",
      "dpv:ConsentWithdrawn",
      "dpv:ConsentRefused",
      "dpv:ConsentRequested",
      "dpv:ConsentUnknown",
    ]),
    "dpv:isIndicatedAtTime": time,
    "dpv:isIndicatedBy": Did,
    "dpv:hasIndicationMethod": ConsentMethod.optional(),
    "dpv:hasDuration": z.literal("dpv:IndeterminateDuration"),
  })
  .describe(
    "What happened to the consent, and when. How it was expressed is known of the receipt's own event.",
  );

const ConsentRecord = z.object({
  "@id": consentId,
  "@type": z.literal("dpv:ConsentRecord"),
  "dpv:hasIdentifier": consentId,
  "dct:identifier": consentId,
  "dct:conformsTo": z.literal("https://w3id.org/dpv/schema/dpv-27560#record"),
  "dct:created": time,
  "dct:provenance": z
    .object({
      "@type": z.literal("dct:ProvenanceStatement"),
      "lethe:source": z.enum(["platform", "operator", "browser"]),
      "lethe:nature": ConsentNature,
      "lethe:platform": text.optional(),
      "lethe:evidence": text.optional(),
    })
    .describe("Who brought the choice to the hub, and where its proof is."),
  "dpv:hasDataSubject": z.object({ "@id": Did, "@type": z.literal("dpv:DataSubject") }),
  "dpv:hasDataController": Did,
  "dpv:hasEntity": z
    .array(
      z.object({
        "@id": Did,
        "@type": z.literal("dpv:DataController"),
        "dpv:hasIdentifier": Did,
        "dpv:hasName": text,
        "schema:contactPoint": notKnown,
        "schema:address": notKnown,
      }),
    )
    .min(1),
  "dpv:hasJurisdiction": z.union([text.regex(/^loc:[A-Z]{2}(-[A-Z0-9]{1,3})?$/), notKnown]),
  "dpv:hasApplicableLaw": text.optional(),
  "dpv:hasNotice": notKnown,
  "dpv:hasProcess": Process,
  "dpv:hasConsentStatus": z.array(ConsentEvent).min(1),
});

const Proof = z
  .object({
    "@context": context,
    type: z.literal("DataIntegrityProof"),
    cryptosuite: z.literal("eddsa-jcs-2022"),
    created: time,
    verificationMethod: text.max(200),
    proofPurpose: z.literal("assertionMethod"),
    proofValue: text.regex(/^z[1-9A-HJ-NP-Za-km-z]{60,90}$/),
  })
  .describe(
    "W3C Data Integrity proof: Ed25519 over the RFC 8785 (JCS) form of the receipt and of the proof.",
  );

export const ConsentReceipt = z
  .object({
    "@context": context,
    "@id": receiptId,
    "@type": z.literal("dpv:ConsentReceipt"),
    "dpv:hasIdentifier": receiptId,
    "dct:identifier": receiptId,
    "dct:conformsTo": z.literal("https://w3id.org/dpv/schema/dpv-27560#receipt"),
    "dct:created": time,
    "dct:publisher": Did.describe("The controller, whose key signed."),
    "dct:audience": Did.describe("The data subject."),
    "dpv:hasRecordOfActivity": ConsentRecord,
    proof: Proof,
  })
  .describe(
    "A signed receipt of one choice: ISO/IEC TS 27560:2023 in JSON-LD (https://w3id.org/dpv/guides/consent-27560). What it must have and the hub does not know is `dpv:NotAvailable`.",
  );
export type ConsentReceipt = z.infer<typeof ConsentReceipt>;
