import { type Expected, type Forge, type Forgery, oneOf } from "./forgery.ts";
import { MAX_BODY } from "./site.ts";

const DEEP = 100_000;

/** Correctly signed, and made to hurt: too large, too deep, numbers without end, the names of JavaScript's prototypes. */
export const hostileBodies: Forge = (from, chance) => {
  const { body } = from.fixture;
  const signed = (what: string, expected: Expected, text: string): Forgery => ({
    kind: `hostile: ${what}`,
    expected,
    wire: from.again({ body: text }),
  });
  const over = Math.floor(chance() * 1_000);
  const large = [
    signed("a byte too large", "refused", body.padEnd(MAX_BODY + 1, " ")),
    signed("four times too large", "refused", body + " ".repeat(4 * MAX_BODY + over)),
    signed("as large as may be", "safe", `${body}${" ".repeat(MAX_BODY - Buffer.byteLength(body))}`),
  ];
  if (from.door.body === "form")
    return [
      ...large,
      signed("a field of many levels", "failing", `${body}&x${"[x]".repeat(20_000)}=1`),
      signed("a field of a hundred levels", "failing", `${body}&x${"[x]".repeat(100)}=1`),
      signed("many fields", "safe", `${body}&${"a[]=1&".repeat(20_000)}`),
      signed("percent signs", "safe", `${body}&text=${"%".repeat(100_000)}`),
      ...["__proto__[polluted]=1", "constructor[prototype][polluted]=1", "data[__proto__][polluted]=1"].map(
        (field) => signed("a prototype's name", "safe", `${field}&${body}`),
      ),
      signed("a NUL", "safe", body.replace("=", "=%00%ff")),
    ];
  const nested = `${'{"x":'.repeat(DEEP / 4)}1${"}".repeat(DEEP / 4)}`;
  const poison = oneOf(POISON, chance);
  return [
    ...large,
    signed("brackets", "failing", "[".repeat(DEEP) + "]".repeat(DEEP)),
    signed("brackets that are never closed", "failing", "[".repeat(DEEP)),
    signed("objects in one another", "failing", nested),
    signed("something deep beside the payload", "failing", beside(body, `"x":${nested}`)),
    signed("a number of many digits", "safe", beside(body, `"n":${"9".repeat(200_000)}`)),
    signed("a number out of range", "safe", beside(body, '"id":1e999999,"n":-1e-999999')),
    signed("a prototype's name", "safe", beside(body, poison)),
    signed(
      "a prototype's name in every object",
      "safe",
      body.replaceAll("{", `{${poison},`).replaceAll(",}", "}"),
    ),
    signed("a NUL and half a character", "safe", body.replace(/:\s*"/, ':"\\u0000\\ud800')),
    signed(
      "many members",
      "safe",
      beside(body, Array.from({ length: 10_000 }, (_, i) => `"k${i}":"v"`).join()),
    ),
    signed("a list of nothing", "safe", `[${"null,".repeat(40_000)}null]`),
    signed(
      "no object",
      "safe",
      oneOf(["null", "0", '""', "[]", "{}", "[null]", "[[]]", '{"":null}', ""], chance),
    ),
  ];
};

const POISON = [
  '"__proto__":{"polluted":true}',
  '"constructor":{"prototype":{"polluted":true}}',
  '"prototype":{"polluted":true},"toString":null,"hasOwnProperty":1,"valueOf":{}',
  '"__proto__":null',
  '"then":{"polluted":true}',
];

/** The object with another member in front; an object of that member alone if the text is none. */
function beside(text: string, member: string): string {
  const rest = text.trimStart();
  if (!rest.startsWith("{")) return `{${member}}`;
  return `{${member}${/^\{\s*\}/.test(rest) ? "" : ","}${rest.slice(1)}`;
}
