import {
  type ConsentMethod,
  type ConsentNature,
  ConsentPurpose,
  type ConsentReceipt,
  type ConsentState,
  type Did,
  type LawfulBasis,
  RECEIPT_CONTEXT,
} from "#schemas";
import { LEGAL_BASES, OWN_PURPOSE, PURPOSES, STATES } from "./terms.ts";

/** What a receipt is made from: pseudonymous, like everything of the ledger. Times are ISO 8601 in UTC. */
export interface ReceiptFacts {
  readonly record: {
    /** The ledger's, `<workflow>.<ordinal>`. */
    readonly id: string;
    /** One of ours, or one that the controller added, whose `title` says what it is. */
    readonly purpose: string;
    readonly title?: string | undefined;
    readonly state: ConsentState;
    /** Of what we changed there ourselves, an echo, there is no receipt: nobody chose it. */
    readonly nature: ConsentNature;
    readonly source: "platform" | "operator" | "browser";
    readonly method: ConsentMethod;
    readonly lawfulBasis: LawfulBasis;
    /** ISO 3166, or `EU`. */
    readonly jurisdiction: string | null;
    readonly evidence: string | null;
    readonly occurredAt: string;
    readonly recordedAt: string;
  };
  readonly subject: Did;
  readonly controller: { readonly did: Did; readonly name: string };
  /** Name of the platform that it came from. */
  readonly connector: string | null;
  /** What happened to the subject's consent for the purpose, without echoes, and with or without the record itself. */
  readonly history: readonly ReceiptEvent[];
  readonly issuedAt: string;
}

export interface ReceiptEvent {
  readonly state: ConsentState;
  readonly nature: ConsentNature;
  readonly occurredAt: string;
}

export type UnsignedReceipt = Omit<ConsentReceipt, "proof">;

/** What ISO/IEC TS 27560 wants and the hub was not told: said as that, because a field that is missing could have been forgotten. */
const NOT_KNOWN = { "dpv:hasApplicability": "dpv:NotAvailable" } as const;

/**
 * A consent receipt by ISO/IEC TS 27560:2023, as https://w3id.org/dpv/guides/consent-27560 has it in JSON-LD: one record, with
 * the events of its purpose. Where that guide's tables and examples name one field differently it has both.
 */
export function consentReceipt(facts: ReceiptFacts): UnsignedReceipt {
  const { record, subject, controller, issuedAt } = facts;
  const id = `urn:lethe:consent:${record.id}`;
  const receiptId = `urn:lethe:receipt:${record.id}:${issuedAt}`;
  return {
    "@context": RECEIPT_CONTEXT,
    "@id": receiptId,
    "@type": "dpv:ConsentReceipt",
    "dpv:hasIdentifier": receiptId,
    "dct:identifier": receiptId,
    "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt",
    "dct:created": issuedAt,
    "dct:publisher": controller.did,
    "dct:audience": subject,
    "dpv:hasRecordOfActivity": {
      "@id": id,
      "@type": "dpv:ConsentRecord",
      "dpv:hasIdentifier": id,
      "dct:identifier": id,
      "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record",
      "dct:created": record.recordedAt,
      "dct:provenance": {
        "@type": "dct:ProvenanceStatement",
        "lethe:source": record.source,
        "lethe:nature": record.nature,
        ...(facts.connector === null ? {} : { "lethe:platform": facts.connector }),
        ...(record.evidence === null ? {} : { "lethe:evidence": record.evidence }),
      },
      "dpv:hasDataSubject": { "@id": subject, "@type": "dpv:DataSubject" },
      "dpv:hasDataController": controller.did,
      "dpv:hasEntity": [
        {
          "@id": controller.did,
          "@type": "dpv:DataController",
          "dpv:hasIdentifier": controller.did,
          "dpv:hasName": controller.name,
          "schema:contactPoint": { "@type": "schema:ContactPoint", ...NOT_KNOWN },
          "schema:address": { "@type": "schema:PostalAddress", ...NOT_KNOWN },
        },
      ],
      ...lawOf(record.jurisdiction),
      "dpv:hasNotice": { "@type": "dpv:ConsentNotice", ...NOT_KNOWN },
      "dpv:hasProcess": processOf(facts),
      "dpv:hasConsentStatus": eventsOf(facts),
    },
  };
}

type Record = UnsignedReceipt["dpv:hasRecordOfActivity"];

/** `EU` means that it is EU law by which the choice was made; of other places it is not certain which of their laws apply. */
function lawOf(jurisdiction: string | null): Pick<Record, "dpv:hasJurisdiction" | "dpv:hasApplicableLaw"> {
  if (jurisdiction === null) return { "dpv:hasJurisdiction": { "@type": "dpv:Jurisdiction", ...NOT_KNOWN } };
  return {
    "dpv:hasJurisdiction": `loc:${jurisdiction}`,
    ...(jurisdiction === "EU" ? { "dpv:hasApplicableLaw": "legal-eu:law-GDPR" } : {}),
  };
}

function processOf({ record, controller, connector }: ReceiptFacts): Record["dpv:hasProcess"] {
  const inEurope = record.jurisdiction === "EU";
  const standard = ConsentPurpose.safeParse(record.purpose).data;
  const terms = standard === undefined ? OWN_PURPOSE : PURPOSES[standard];
  // What one controller calls `product_news` is not what another does.
  const name = standard ?? `${controller.did}:${record.purpose}`;
  const title = standard === undefined ? (record.title ?? record.purpose) : PURPOSES[standard].title;
  return {
    "@type": "dpv:Process",
    "dpv:hasPurpose": { "@id": `urn:lethe:purpose:${name}`, "@type": terms.kind, "dct:title": title },
    ...("processing" in terms ? { "dpv:hasProcessing": terms.processing } : {}),
    "dpv:hasPersonalData": terms.personalData,
    "dpv:hasLegalBasis": LEGAL_BASES[record.lawfulBasis][inEurope ? "gdpr" : "anywhere"],
    "dpv:hasRecipient": [
      controller.did,
      ...(connector === null ? [] : [{ "@type": "dpv:Recipient", "dpv:hasName": connector } as const]),
    ],
    "dpv:hasStorageCondition": { "@type": "dpv:StorageCondition", ...NOT_KNOWN },
    "dpv:hasConsentControl": { "@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": NOT_KNOWN },
    "dpv:hasRight": {
      "@type": ["dpv:DataSubjectRight", ...(inEurope ? ["eu-gdpr:A7-3"] : [])],
      "dct:title": "Right to withdraw consent",
      "dpv:isExercisedAt": NOT_KNOWN,
    },
  };
}

/** In the order in which they happened. How long a consent holds the hub is not told. */
function eventsOf({ record, history, subject, controller }: ReceiptFacts): Record["dpv:hasConsentStatus"] {
  const own = ({ state, nature, occurredAt }: ReceiptEvent) =>
    state === record.state &&
    nature === record.nature &&
    Date.parse(occurredAt) === Date.parse(record.occurredAt);
  const events = [...history.filter((event) => !own(event)), record].sort(
    (a, b) => Date.parse(a.occurredAt) - Date.parse(b.occurredAt),
  );
  return events.map((event) => ({
    "@type": STATES[event.state],
    "dpv:isIndicatedAtTime": event.occurredAt,
    "dpv:isIndicatedBy": isChoice(event) ? subject : controller.did,
    ...(event === record ? { "dpv:hasIndicationMethod": record.method } : {}),
    "dpv:hasDuration": "dpv:IndeterminateDuration",
  }));
}

/** The person says yes or no; that they were asked, or were not, or what a platform holds, says the controller. */
function isChoice({ state, nature }: ReceiptEvent): boolean {
  return nature === "expressed" && (state === "granted" || state === "withdrawn" || state === "denied");
}
