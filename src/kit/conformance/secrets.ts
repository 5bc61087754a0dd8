import { anotherKey, type Case, type Key, mustBeLetIn, mustBeRefused, signAnew } from "./case.ts";

/** A request is let in by the secret that signed it, and by no other, no half and no empty one. */
export function wrongSecrets(tried: Case): string[] {
  const { key, parts } = tried;
  const refuse = (what: string, ...secrets: string[]) => mustBeRefused(tried, what, parts, { secrets });
  return [
    ...refuse("no secret is set"),
    ...refuse("the secret that is set is empty", ""),
    ...refuse("only empty secrets are set", "", ""),
    ...refuse("another secret is set", "another"),
    ...refuse("another secret is set beside an empty one", "", "another"),
    ...refuse("half of the secret is set", key.secret.slice(0, key.secret.length >> 1)),
    ...refuse("more than the secret is set", `${key.secret}0`),
    ...signedWithNothing(tried),
  ];
}

/** Whoever signs with the empty secret must find no door that takes it, even where one is set by mistake. */
function signedWithNothing(tried: Case): string[] {
  try {
    const parts = signAnew(tried, { key: { secret: "", signing: "" } });
    return mustBeRefused(tried, "signed with an empty secret, which is set", parts, { secrets: [""] });
  } catch {
    return []; // The scheme cannot be signed with nothing.
  }
}

/** While a secret is rotated both fit; afterwards the old one does not. */
export function rotation(tried: Case): string[] {
  const old = tried.key;
  const fresh = anotherKey(tried);
  if (fresh === undefined) return ["the scheme's keyPair() must make another pair each time"];
  const by = (key: Key) => signAnew(tried, { key });
  const both = [fresh.secret, old.secret];
  return [
    ...mustBeLetIn(tried, "signed with the new secret while both are set", by(fresh), { secrets: both }),
    ...mustBeLetIn(tried, "signed with the old secret while both are set", by(old), { secrets: both }),
    ...mustBeLetIn(tried, "signed with the old secret, set first", by(old), { secrets: both.toReversed() }),
    ...mustBeLetIn(tried, "signed with the new secret alone", by(fresh), { secrets: [fresh.secret] }),
    ...mustBeRefused(tried, "signed with the old secret after it", by(old), { secrets: [fresh.secret] }),
  ];
}
