/** Real strings, from where their format is defined. */
export const STRINGS = {
  /** https://github.com/InteractiveAdvertisingBureau/iabtcf-es, modules/core/test/ReportedIssues.test.ts: consents to all but purpose 11. */
  all: "CQd924AQd924AASACCENCNFsAP_gAEIAACiQL6QBAAGAAOANmAcAF9IAIADgAA.IL6AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAAA",
  /** The same file, issue 201: TCF 2.0, whose time is to the tenth of a second, with legitimate interests too. */
  exact:
    "CO4VGswO4VGswAfZCBDEAzCsAP_AAH_AAAigGUNf_X9fb2vj-_599_t0eY1f9_63t-wzjheMs-8NyZ-X_J4Wv2MyvB34JqQKGRgkunLBAQdtHGncTQgBwIlViTLMY02MjzNKJrJEilsbe2dYGH9vn8XT_ZKZ70-_v__7v3___33_5Ayhr_6_r7e18f3_Pvv9ujzGr_v_W9v2GccLxln3huTPy_5PC1-xmV4O_BNSBQyMEl05YICDto407iaEAOBEqsSZZjGmxkeZpRNZIkUtjb2zrAw_t8_i6f7JTPen39___d-___--__ICgKAOAAcAA4AFAAjgB6AEYALcGACAW0AtoJAHAAOAAcACgARwA9ACMAFuFABALaAW0GgDgAHAAOABQAI4AegBGAC",
  /** https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework, TCFv2, "Consent string … format": TCF 2.3, to nothing. */
  none: "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA",
  /** TCF 1.1, refused since 2020: https://github.com/InteractiveAdvertisingBureau/iabtcf-es, issue 191. */
  tcf1: "BObdrPUOevsguAfDqFENCNAAAAAmeAAA",
  /** https://github.com/IABTechLab/iabgpp-es, modules/cmpapi/test/GppModel.test.ts: the EU's TCF, Canada's, and every US section, which say that nobody opted out. */
  everySection:
    "DBACOcGA~CPSG_8APSG_8ANwAAAENAAFgAAAAAAAAAAAAAAAAAAAA.IAAA.YAAAAAAAAAAA~BPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAA~1---~BAAAAAAAAQA.QA~BAAAAABA.QA~BAAAABA~BAAAAEA.QA~BAAAAAQA~BAAAAAEA.QA~BAAAAABA~BAAAAABA.QA~BAAAAAAABAA.QA~BAAAAAQA.QA~BAAAAAAABAA.QA~BAAAAAQA.QA~BAAAAAQA.QA~BAAAAABA.QA~BAAAAAAAQA.QA~BAAAAAQA.QA~BAAAAAQA.QA~BQAA.QA~BQAA.AAA~BQAA.AAA~BQAA.AAA",
  /** The same file: Canada's with express consent to 1–6 and implied consent to 7–12. */
  canada:
    "DBACOeA~CPSG_8APSG_8ANwAAAENAwCgAAAAAAAAAAAAAAAAAAAA.IAAA.YAAAAAAAAAAA~BPSG_8APSG_8AAyACAENGdCgf_gfgAfgfgBhADVqxGAD0AILVgAA.fHHHA4444ao~1YNN",
  /** test/encoder/section/UsNat.test.ts and UsCa.test.ts: opted out of all, by Global Privacy Control too. */
  usNational: "DBABLA~CVVVkkkkkpFY.YA",
  usCalifornia: "DBABBg~BVWSSSVY.YA",
  /** GppModel.test.ts: version 1 of the national section, before 2024. */
  usNational1: "DBABLA~BAAAVVVVUQA.QA",
} as const;
