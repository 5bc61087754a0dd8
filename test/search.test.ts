import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finder, searchFor } from "./support/search.ts";

describe("the search for canaries", () => {
  test("finds in any bytes what looking for each one finds", () => {
    // Of few letters, so that they overlap, and are parts of each other.
    const bytes = fc.uint8Array({ min: 0, max: 2, minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(bytes, { minLength: 1, maxLength: 8 }),
        fc.uint8Array({ min: 0, max: 3, maxLength: 40 }),
        (needles, data) => {
          const each = needles.flatMap((needle, index) =>
            Buffer.from(data).includes(Buffer.from(needle)) ? index : [],
          );
          expect([...finder(needles)(data)].sort()).toEqual(each);
        },
      ),
    );
  });

  test.each([
    ["as it is", (text: string) => text],
    ["in UTF-16", (text: string) => Buffer.from(text, "utf16le").toString("latin1")],
    ["in hex", (text: string) => Buffer.from(text).toString("hex")],
    ["in a URL", encodeURIComponent],
    ["in the base64 of something longer", (text: string) => Buffer.from(`x${text}yz`).toString("base64")],
  ])("finds one %s", (_, write) => {
    const places = new Map([["here", Buffer.from(`a${write("Carla Canary")}z`, "latin1")]]);
    const hit = { canary: "Carla Canary", place: "here" };
    expect(searchFor(["Carla Canary", "Super Toys"]).in(places)).toEqual([hit]);
    expect(searchFor(["Super Toys"]).in(places)).toEqual([]);
  });
});
