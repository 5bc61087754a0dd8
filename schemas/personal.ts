/** `util.inspect.custom`, by the name under which any code finds it: so that the types of the kit need no Node.js. */
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * A value that a person could be known by, on its way through memory.
 *
 * It prints, logs and serialises as a placeholder, so that a slip cannot put it on a disk; only
 * {@link Personal.reveal} gives it back, which makes every place that handles plaintext easy to find.
 */
export class Personal<T extends string | Uint8Array = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return "[personal data]";
  }

  toJSON(): string {
    return "[personal data]";
  }

  [inspect](): string {
    return "[personal data]";
  }
}

declare const sealedAs: unique symbol;

/** Ciphertext of a `T`: bytes that only the vault can open. Never assignable from or to plaintext. */
export type Sealed<T> = Uint8Array & { readonly [sealedAs]: T };
