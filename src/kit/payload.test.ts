import { describe, expect, test } from "vitest";
import { MAX_DEPTH, parseBody } from "./payload.ts";

const json = (text: string) => parseBody("json", Buffer.from(text));
const form = (text: string) => parseBody("form", Buffer.from(text));
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a JSON body", () => {
  test("keeps every digit of ids beyond 2^53", () => {
    expect(json('{"id":706405506930370084,"small":12,"price":199.99,"text":"706405506930370084"}')).toEqual({
      id: "706405506930370084",
      small: 12,
      price: 199.99,
      text: "706405506930370084",
    });
    expect(json("[9007199254740991, 9007199254740992, -9007199254740993]")).toEqual([
      9007199254740991,
      "9007199254740992",
      "-9007199254740993",
    ]);
  });

  test.each(["", "{", "nul", '{"a":}', "} I am not valid JSON; 123][", '"unterminated'])(
    "that is no JSON is unreadable: %s",
    (text) => {
      expect(() => json(text)).toThrow(code("payload/unreadable"));
    },
  );

  test("that is no UTF-8 is unreadable, not repaired", () => {
    expect(() => parseBody("json", Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toThrow(
      code("payload/unreadable"),
    );
  });

  test("may be nested as deep as the limit and no deeper, whatever stands in its strings", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(() => json(nested(MAX_DEPTH))).not.toThrow();
    expect(() => json(nested(MAX_DEPTH + 1))).toThrow(code("payload/too-deep"));
    expect(() => json("[".repeat(1_000_000))).toThrow(code("payload/too-deep"));
    expect(() => json(JSON.stringify({ text: `\\"${"[".repeat(500)}`, more: '"[' }))).not.toThrow();
  });

  test("cannot reach a prototype", () => {
    const parsed = json('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as object;
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(Object.keys(parsed)).toContain("__proto__");
  });
});

describe("a form body", () => {
  test("nests bracketed keys, and tells a space from a plus", () => {
    expect(
      form("type=subscribe&data%5Bmerges%5D%5BEMAIL%5D=bob%2Bx%40example.com&data[merges][FNAME]=Bob+B"),
    ).toEqual({
      type: "subscribe",
      data: { merges: { EMAIL: "bob+x@example.com", FNAME: "Bob B" } },
    });
  });

  test("takes the first of two values, so that nobody can append another", () => {
    expect(form("type=unsubscribe&type=subscribe")).toEqual({ type: "unsubscribe" });
  });

  test("cannot reach a prototype, and has limits", () => {
    form("__proto__[admin]=1&constructor[prototype][admin]=1&a[__proto__][admin]=1");
    expect(({} as { admin?: string }).admin).toBeUndefined();
    expect(() => form("a[b][c][d][e][f][g]=1")).toThrow(code("payload/too-deep"));
    expect(() => form(Array.from({ length: 3_000 }, (_, i) => `k${i}=1`).join("&"))).toThrow(
      code("payload/too-deep"),
    );
  });
});
