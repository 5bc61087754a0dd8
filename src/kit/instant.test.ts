import { expect, test } from "vitest";
import { instant } from "./instant.ts";

test.each([
  ["2026-11-20T09:15:00.123456789Z", "2026-11-20T09:15:00.123Z"],
  ["2026-11-20T09:15:00-04:00", "2026-11-20T13:15:00.000Z"],
  ["2015-10-05T14:42:19-0700", "2015-10-05T21:42:19.000Z"], // Intuit leaves the colon out
  ["2016-01-01T21:56:31.182613+00:00", "2016-01-01T21:56:31.182Z"],
  ["2026-11-20 09:15:00", "2026-11-20T09:15:00.000Z"], // no zone: UTC
  ["1700000000", "2023-11-14T22:13:20.000Z"],
  ["yesterday", undefined],
  ["", undefined],
  ["+275760-09-13T00:00:00Z", undefined],
  ["-000001-01-01T00:00:00Z", undefined],
  ["0000-01-01T00:00:00Z", undefined],
])("the time %j is %j", (text, expected) => {
  expect(instant(text)).toBe(expected);
});
