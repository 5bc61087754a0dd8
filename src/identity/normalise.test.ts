import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldEmail, normaliseEmail, normalisePhone } from "./normalise.ts";

describe("an e-mail address", () => {
  test.each([
    [" Bob@Example.COM ", "bob@example.com"],
    ["bob+tag@example.com", "bob+tag@example.com"],
    ["ＢＯＢ@example.com", "bob@example.com"],
    ["bob@bücher.example", "bob@xn--bcher-kva.example"],
    ["bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"],
    ["bob@example.com.", "bob@example.com"],
    ['"a@b"@example.com', '"a@b"@example.com'],
  ])("%s has one form", (given, expected) => expect(normaliseEmail(given)).toBe(expected));

  test.each([
    "",
    "bob",
    "@example.com",
    "bob@",
    "bob smith@example.com",
    "bob@exa mple.com",
    `${"x".repeat(320)}@example.com`,
  ])("%s is none", (given) => expect(normaliseEmail(given)).toBeUndefined());

  test("in its one form stays as it is", () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const once = normaliseEmail(address);
        expect(once === undefined ? undefined : normaliseEmail(once)).toBe(once);
      }),
      { seed: 3 },
    );
  });

  test("at Gmail folds without dots and tag, elsewhere not at all", () => {
    expect(foldEmail("b.o.b+news@gmail.com")).toBe("bob@gmail.com");
    expect(foldEmail("b.ob@googlemail.com")).toBe("bob@gmail.com");
    expect(foldEmail("b.o.b+news@example.com")).toBeUndefined();
    expect(foldEmail("+x@gmail.com")).toBeUndefined();
  });
});

describe("a phone number", () => {
  test.each([
    ["+1 (613) 555-0188", [], "+16135550188"],
    ["(613) 555-0188", ["CA"], "+16135550188"],
    ["030 123456", ["DE"], "+4930123456"],
    ["030 123456", [undefined, "de"], "+4930123456"],
    ["+49 30 123456", ["US"], "+4930123456"],
  ])("%s in %s is %s", (given, regions, expected) => expect(normalisePhone(given, regions)).toBe(expected));

  test.each([
    ["030 123456", []],
    ["030 123456", ["XX"]],
    ["12", ["US"]],
    ["call me", ["US"]],
    ["", ["US"]],
  ])("%s in %s is rejected rather than guessed", (given, regions) =>
    expect(normalisePhone(given, regions)).toBeUndefined(),
  );
});
