import type { Connector } from "#kit";
import eventbrite from "./eventbrite/index.ts";
import mailchimp from "./mailchimp/index.ts";
import quickbooks from "./quickbooks/index.ts";
import shopify from "./shopify/index.ts";
import stripe from "./stripe/index.ts";
import surveymonkey from "./surveymonkey/index.ts";
import woocommerce from "./woocommerce/index.ts";

/** The connectors that Lethe ships. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  [shopify, stripe, mailchimp, woocommerce, quickbooks, eventbrite, surveymonkey].map((connector) => [
    connector.id,
    connector,
  ]),
);
