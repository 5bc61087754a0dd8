import { describe, expect, test } from "vitest";
import { Credentials } from "./credentials.ts";

const ofApp = { clientId: "app", clientSecret: "shpss_s3cret" };

describe("credentials for a shop", () => {
  test.each([
    ["a shop and a lasting token", { shop: "acme.myshopify.com", accessToken: "shpat_t0ken" }],
    ["a lasting token", { accessToken: "shpat_t0ken" }],
    ["a shop, an app's id and its secret", { shop: "acme.myshopify.com", ...ofApp }],
    ["an app's id and its secret", ofApp],
  ])("may be %s", (_, given) => {
    expect(Credentials.parse(given)).toEqual(given);
  });

  test.each([
    ["nothing", {}, "", /an app's "clientId" and "clientSecret", or a lasting "accessToken"/],
    ["a shop alone", { shop: "acme.myshopify.com" }, "", /an app's "clientId"/],
    ["an id without a secret", { clientId: "app" }, "clientSecret", /missing beside the "clientId"/],
    ["a secret without an id", { clientSecret: "s3cret" }, "clientId", /missing beside the "clientSecret"/],
    ["both at once", { ...ofApp, accessToken: "t0ken" }, "accessToken", /leave it out/],
    ["an empty secret", { ...ofApp, clientSecret: "" }, "clientSecret", /./],
    ["a number for a token", { accessToken: 12 }, "accessToken", /./],
  ])("may not be %s, which is said once and without values", (_, given, place, message) => {
    const issues = Credentials.safeParse(given).error?.issues ?? [];
    expect(issues.map(({ path }) => path.join("."))).toEqual([place]);
    expect(issues[0]?.message).toMatch(message);
    expect(issues[0]?.message).not.toMatch(/s3cret|t0ken|acme|12/);
  });
});
