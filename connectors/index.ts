import type { Connector } from "#kit";
import customerio from "./customerio/index.ts";
import generic from "./generic/index.ts";
import klaviyo from "./klaviyo/index.ts";
import mailchimp from "./mailchimp/index.ts";
import shopify from "./shopify/index.ts";
import stripe from "./stripe/index.ts";
import woocommerce from "./woocommerce/index.ts";

/** The connectors that Lethe ships. */
export const connectors: ReadonlyMap<string, Connector> = new Map(
  [shopify, stripe, mailchimp, woocommerce, customerio, klaviyo, generic].map((connector) => [
    connector.id,
    connector,
  ]),
);
