import { describe, expect, test } from "vitest";
import { ConsentPurpose, ConsentReceipt, ConsentState, LawfulBasis, RECEIPT_CONTEXT } from "#schemas";
import { CONTROLLER, FACTS, SUBJECT, signed } from "../../../test/support/receipts.ts";
import { consentReceipt, type ReceiptFacts } from "./receipt.ts";

const of = (record: Partial<ReceiptFacts["record"]>, rest: Partial<ReceiptFacts> = {}) =>
  consentReceipt({ ...FACTS, ...rest, record: { ...FACTS.record, ...record } });
const recordOf = (...facts: Parameters<typeof of>) => of(...facts)["dpv:hasRecordOfActivity"];
const processOf = (...facts: Parameters<typeof of>) => recordOf(...facts)["dpv:hasProcess"];

describe("a consent receipt", () => {
  test("is one of ISO/IEC TS 27560, about one record, from the controller to the subject", () => {
    expect(of({})).toMatchObject({
      "@type": "dpv:ConsentReceipt",
      "@id": "urn:lethe:receipt:01900000-0000-7000-8000-000000000000.2:2026-03-03T12:00:00.000Z",
      "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt",
      "dct:created": "2026-03-03T12:00:00.000Z",
      "dct:publisher": CONTROLLER,
      "dct:audience": SUBJECT,
      "dpv:hasRecordOfActivity": {
        "@type": "dpv:ConsentRecord",
        "@id": "urn:lethe:consent:01900000-0000-7000-8000-000000000000.2",
        "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record",
        "dct:created": "2026-03-02T08:00:01.000Z",
        "dpv:hasDataSubject": { "@id": SUBJECT, "@type": "dpv:DataSubject" },
        "dpv:hasDataController": CONTROLLER,
      },
    });
  });

  test("tells the events of the purpose in order, and who said so; of its own one, how", () => {
    const common = { "dpv:hasDuration": "dpv:IndeterminateDuration" };
    expect(recordOf({})["dpv:hasConsentStatus"]).toEqual([
      {
        "@type": "dpv:ConsentRequested",
        "dpv:isIndicatedAtTime": "2026-01-01T08:00:00.000Z",
        "dpv:isIndicatedBy": CONTROLLER,
        ...common,
      },
      {
        "@type": "dpv:ConsentGiven",
        "dpv:isIndicatedAtTime": "2026-01-02T08:00:00.000Z",
        "dpv:isIndicatedBy": SUBJECT,
        ...common,
      },
      {
        "@type": "dpv:ConsentGiven",
        "dpv:isIndicatedAtTime": "2026-02-01T08:00:00.000Z",
        "dpv:isIndicatedBy": CONTROLLER,
        ...common,
      },
      {
        "@type": "dpv:ConsentWithdrawn",
        "dpv:isIndicatedAtTime": "2026-03-02T08:00:00.000Z",
        "dpv:isIndicatedBy": SUBJECT,
        "dpv:hasIndicationMethod": "unsubscribe",
        ...common,
      },
    ]);
    expect(recordOf({}, { history: [] })["dpv:hasConsentStatus"]).toHaveLength(1);
  });

  test("says what the consent is for, with the purpose's own name", () => {
    expect(processOf({})).toMatchObject({
      "dpv:hasPurpose": {
        "@id": "urn:lethe:purpose:email_marketing",
        "@type": "dpv:DirectMarketing",
        "dct:title": "Marketing by e-mail",
      },
      "dpv:hasPersonalData": "pd:EmailAddress",
    });
    expect(processOf({ purpose: "profiling" })).toMatchObject({
      "dpv:hasPurpose": { "@type": "dpv:Personalisation" },
      "dpv:hasProcessing": "dpv:Profiling",
    });
    expect(processOf({ purpose: "sale_or_sharing" })["dpv:hasPurpose"]["@type"]).toBe(
      "dpv:SellDataToThirdParties",
    );
  });

  test("names a purpose that the controller added as the controller's own", () => {
    expect(processOf({ purpose: "product_news", title: "News of our products" })["dpv:hasPurpose"]).toEqual({
      "@id": `urn:lethe:purpose:${CONTROLLER}:product_news`,
      "@type": "dpv:Purpose",
      "dct:title": "News of our products",
    });
    expect(processOf({ purpose: "product_news" })["dpv:hasPurpose"]["dct:title"]).toBe("product_news");
  });

  test("says which law applies only where it is certain, and then names its clauses", () => {
    expect(recordOf({})).toMatchObject({
      "dpv:hasJurisdiction": "loc:EU",
      "dpv:hasApplicableLaw": "legal-eu:law-GDPR",
      "dpv:hasProcess": {
        "dpv:hasLegalBasis": "eu-gdpr:A6-1-a",
        "dpv:hasRight": { "@type": ["dpv:DataSubjectRight", "eu-gdpr:A7-3"] },
      },
    });
    const california = recordOf({ jurisdiction: "US-CA", purpose: "sale_or_sharing" });
    expect(california["dpv:hasJurisdiction"]).toBe("loc:US-CA");
    expect(california["dpv:hasProcess"]["dpv:hasLegalBasis"]).toBe("dpv:Consent");
    expect(JSON.stringify(california)).not.toContain("gdpr");
    const unknown = recordOf({ jurisdiction: null });
    expect(unknown["dpv:hasJurisdiction"]).toMatchObject({ "dpv:hasApplicability": "dpv:NotAvailable" });
    for (const receipt of [california, unknown]) expect(receipt).not.toHaveProperty("dpv:hasApplicableLaw");
  });

  test("says from where the choice came, and where its proof is", () => {
    expect(recordOf({})["dct:provenance"]).toMatchObject({
      "lethe:source": "platform",
      "lethe:nature": "expressed",
      "lethe:platform": "Mailchimp",
      "lethe:evidence": "delivery:01900000-0000-7000-8000-000000000000",
    });
    expect(processOf({})["dpv:hasRecipient"]).toEqual([
      CONTROLLER,
      { "@type": "dpv:Recipient", "dpv:hasName": "Mailchimp" },
    ]);
    const alone = recordOf({ source: "browser", evidence: null }, { connector: null });
    expect(alone["dct:provenance"]).not.toHaveProperty("lethe:platform");
    expect(alone["dct:provenance"]).not.toHaveProperty("lethe:evidence");
    expect(alone["dpv:hasProcess"]["dpv:hasRecipient"]).toEqual([CONTROLLER]);
  });

  test("has every field that the standard wants, and says of those that the hub does not know that they are not known", () => {
    const notKnown = { "dpv:hasApplicability": "dpv:NotAvailable" };
    expect(recordOf({})).toMatchObject({
      "dpv:hasNotice": { "@type": "dpv:ConsentNotice", ...notKnown },
      "dpv:hasEntity": [{ "schema:contactPoint": notKnown, "schema:address": notKnown }],
      "dpv:hasProcess": {
        "dpv:hasStorageCondition": notKnown,
        "dpv:hasConsentControl": { "@type": "dpv:WithdrawConsent", "dpv:isExercisedAt": notKnown },
        "dpv:hasRight": { "dpv:isExercisedAt": notKnown },
      },
    });
  });

  test("is of the published schema whatever it is about", () => {
    for (const purpose of [...ConsentPurpose.options, "product_news"])
      for (const state of ConsentState.options)
        for (const jurisdiction of ["EU", "US-CA", "DE", null]) {
          const record = { ...FACTS.record, purpose, state, jurisdiction };
          expect(ConsentReceipt.safeParse(signed({ ...FACTS, record })).error).toBeUndefined();
        }
    for (const lawfulBasis of LawfulBasis.options)
      expect(
        ConsentReceipt.safeParse(signed({ ...FACTS, record: { ...FACTS.record, lawfulBasis } })).success,
      ).toBe(true);
  });
});

/** Every term that a receipt can have: looked up, each, in the published vocabularies, DPV 2.0, 2.1, 2.2 and 2.3. */
const LOOKED_UP = {
  dpv: `Consent ConsentGiven ConsentNotice ConsentReceipt ConsentRecord ConsentRefused ConsentRequested ConsentUnknown
    ConsentWithdrawn Contract DataController DataSubject DataSubjectRight DirectMarketing IndeterminateDuration Jurisdiction
    LegalObligation LegitimateInterest NotAvailable PersonalData Personalisation Process Profiling PublicInterest Purpose
    Recipient SellDataToThirdParties ServiceUsageAnalytics StorageCondition VitalInterest WithdrawConsent hasApplicability
    hasApplicableLaw hasConsentControl hasConsentStatus hasDataController hasDataSubject hasDuration hasEntity hasIdentifier
    hasIndicationMethod hasJurisdiction hasLegalBasis hasName hasNotice hasPersonalData hasProcess hasProcessing hasPurpose
    hasRecipient hasRecordOfActivity hasRight hasStorageCondition isExercisedAt isIndicatedAtTime isIndicatedBy`,
  pd: "EmailAddress PhysicalAddress TelephoneNumber",
  loc: "EU US-CA",
  "eu-gdpr": "A6-1-a A6-1-b A6-1-c A6-1-d A6-1-e A6-1-f A7-3",
  "legal-eu": "law-GDPR",
  dct: "ProvenanceStatement audience conformsTo created identifier provenance publisher title",
  schema: "ContactPoint PostalAddress address contactPoint",
};

describe("the words of receipts", () => {
  const texts = [
    ...ConsentPurpose.options.map((purpose) => ({ purpose })),
    ...LawfulBasis.options.map((lawfulBasis) => ({ lawfulBasis, purpose: "product_news" })),
    ...LawfulBasis.options.map((lawfulBasis) => ({ lawfulBasis, jurisdiction: "US-CA" })),
    ...ConsentState.options.map((state) => ({ state, jurisdiction: null })),
  ].map((record) => {
    const { "@context": _, ...receipt } = of({ ...record, evidence: "TICKET-4711" });
    return JSON.stringify(receipt);
  });

  test.each(Object.entries(LOOKED_UP))("of %s are all in the vocabulary", (prefix, words) => {
    const used = texts.flatMap((text) =>
      [...text.matchAll(new RegExp(`"${prefix}:([\\w-]+)"`, "g"))].map(([, term]) => term),
    );
    expect([...new Set(used)].sort()).toEqual(words.split(/\s+/).sort());
  });

  test("have no prefix that the receipt itself does not explain", () => {
    const prefixes = texts.flatMap((text) =>
      [...text.matchAll(/"([a-z-]+):[\w-]+"/g)].map(([, prefix]) => prefix),
    );
    const known = Object.keys(RECEIPT_CONTEXT);
    expect([...new Set(prefixes)].filter((prefix) => !known.includes(prefix ?? ""))).toEqual([]);
  });
});
