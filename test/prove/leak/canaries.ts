/** Texts that are nowhere but where they were planted: whatever is found of them has leaked. */
export interface Canaries {
  /** Of the kind of what it stands for, the same for the same value. `at` says where it was planted, for whoever mends a leak. */
  like(value: string, at: string): string;
  text(at: string): string;
  /** Letters and digits only: a name, a secret, a session. */
  token(at: string): string;
  email(at: string): string;
  phone(at: string): string;
  address(at: string): string;
  /** From now on the same value has another. */
  anew(): void;
  /** One that came about elsewhere, such as a code in a message. */
  keep(value: string, at: string): void;
  /** What to search for: a part that all texts share, another of all numbers, and what has room for neither. */
  needles(): readonly string[];
  /** What a needle that was found in some bytes belongs to. */
  labelOf(needle: string, bytes: Uint8Array): string;
  count(): number;
}

const CONSONANTS = "bcdfghjklmnpqrstvwxz";
/** How often each is counted on: 36⁴ texts, 10⁴ numbers. */
const TEXTS = 4;
const NUMBERS = 4;

export function createCanaries(random: () => number): Canaries {
  const pick = (from: string, count: number) =>
    Array.from({ length: count }, () => from[Math.floor(random() * from.length)] ?? "").join("");
  /** In every text. No word holds it, and nothing can be told of a person that has not a part of it. */
  const mark = pick(CONSONANTS, 10);
  /** In every number; with what counts on, below 2^53. */
  const digits = pick("12345678", 1) + pick("0123456789", 10);
  const made = new Map<string, string>();
  const labels = new Map<string, string>();
  const own: string[] = [];

  const marked = (at: string) => {
    const count = labels.size.toString(36).padStart(TEXTS, "0");
    labels.set(mark + count, at);
    return mark + count;
  };
  const number = (length: number, at: string) => {
    const count = String(labels.size).padStart(Math.max(NUMBERS, length - digits.length), "0");
    labels.set(digits + count, at);
    return digits + count;
  };
  const kept = (value: string, at: string, forms: readonly string[] = [value]) => {
    for (const form of forms) labels.set(form, at);
    own.push(...forms);
    return value;
  };
  const ipv4 = (at: string) =>
    kept(
      `198.${18 + Math.floor(random() * 2)}.${100 + Math.floor(random() * 150)}.${pick("23456789", 2)}`,
      at,
    );
  const email = (at: string) =>
    `${random() < 0.5 ? "Jo" : "jo"}.${marked(at)}${random() < 0.3 ? "+lists" : ""}@${mark}.example.com`;
  const phone = (like: string, at: string) => {
    let kinds = 0;
    // The last seven digits are another number of the same area: 2 to 9, then any.
    const count = like.replace(/\D/g, "").length;
    const changed = like.replace(/\d/g, (digit) => {
      kinds += 1;
      const left = count - kinds;
      return left > 6
        ? digit
        : left === 6
          ? pick("2346789", 1)
          : left === 5
            ? pick("23456789", 1)
            : pick("0123456789", 1);
    });
    return kept(changed, at, formatsOf(changed));
  };

  function fresh(value: string, at: string): string {
    if (/^[^\s@<>]+@[^\s@<>]+\.[a-z]+$/i.test(value)) return email(at);
    if (/^\d{1,3}(\.\d{1,3}){3}$/.test(value)) return ipv4(at);
    if (/^\d{9,}$/.test(value)) return number(value.length, at);
    if (/^[+(]?\d[\d ().-]{8,}\d$/.test(value)) return phone(value, at);
    if (/^gid:/.test(value)) return value.replace(/\d{9,}$/, (id) => like(id, at));
    if (/^https?:\/\//.test(value)) return `${value}${value.includes("?") ? "&" : "?"}k=${marked(at)}`;
    // Whoever puts it into another text has to escape it.
    return value.includes(" ") ? `Zoé ${marked(at)} "Ö" <b>&amp; 100%` : capital(marked(at));
  }

  function like(value: string, at: string): string {
    const canary = made.get(value) ?? fresh(value, at);
    made.set(value, canary);
    return canary;
  }

  return {
    like,
    token: marked,
    anew: () => made.clear(),
    text: (at) => `Zoé ${capital(marked(at))} "Ö" <b>&amp; 100%`,
    email,
    phone: (at) => phone("+16135550188", at),
    address: ipv4,
    keep: (value, at) => void kept(value, at),
    needles: () => [mark, capital(mark), mark.toUpperCase(), digits, ...new Set(own)],
    labelOf(needle, bytes) {
      const known = labels.get(needle);
      if (known !== undefined) return known;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const at = text.indexOf(needle);
      const whole = at < 0 ? "" : text.toString("latin1", at, at + needle.length + 10).toLowerCase();
      const [own = ""] = (needle === digits ? /^\d+/ : /^[a-z]{10}[a-z0-9]{4}/).exec(whole) ?? [];
      return labels.get(own) ?? "one of them";
    },
    count: () => labels.size,
  };
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** As people write a number down. */
function formatsOf(phone: string): string[] {
  const digits = phone.replace(/\D/g, "").slice(-10);
  const [area, exchange, line] = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  const written = [" ", "-", "."].map((between) => [area, exchange, line].join(between));
  return [digits, ...written, `(${area}) ${exchange}-${line}`, `(${area}) ${exchange} ${line}`];
}
