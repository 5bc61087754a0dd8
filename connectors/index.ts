import type { Connector } from "#kit";
import customerio from "./customerio/index.ts";
import eventbrite from "./eventbrite/index.ts";
import generic from "./generic/index.ts";
import klaviyo from "./klaviyo/index.ts";
import mailchimp from "./mailchimp/index.ts";
import quickbooks from "./quickbooks/index.ts";
import shopify from "./shopify/index.ts";
import stripe from "./stripe/index.ts";
import surveymonkey from "./surveymonkey/index.ts";
import woocommerce from "./woocommerce/index.ts";

/** The connectors that Lethe ships. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  [
    customerio,
    eventbrite,
    generic,
    klaviyo,
    mailchimp,
    quickbooks,
    shopify,
    stripe,
    surveymonkey,
    woocommerce,
  ].map((connector) => [connector.id, connector]),
);
