const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The bits of a text in base64url, where a character is six of them: `0` and `1` as the libraries have them. */
export function bitsOf(text: string): string {
  return Array.from(text, (character) => ALPHABET.indexOf(character).toString(2).padStart(6, "0")).join("");
}

/** The first bits of a text in base64url, then zeros up to as many characters. */
export function firstBits(text: string, bits: number, characters: number): string {
  const whole = Math.floor(bits / 6);
  const kept = bitsOf(text.charAt(whole)).slice(0, bits % 6);
  return (text.slice(0, whole) + ALPHABET.charAt(Number.parseInt(kept.padEnd(6, "0"), 2))).padEnd(
    characters,
    "A",
  );
}
