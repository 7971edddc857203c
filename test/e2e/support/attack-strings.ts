/** Texts that have broken searches elsewhere. */

const long = (part: string, length: number): string =>
  part.repeat(Math.ceil(length / part.length)).slice(0, length);

export const ATTACK_STRINGS: readonly string[] = [
  // Control characters and what is invisible.
  ...["\0", "a\0b", "\x1b[2J", "\x7f", "\t\n\r", "\u200b", "\ufeff", "\u202eabc", "\u2066x\u2069", "\u0085"],
  // Shapes of regular expressions, and what makes them slow.
  ...[".*", "(a+)+$", "[", "\\", "^(?=(a+))\\1$", "(((((((((", "a{1,99999}", "\\u{1F600}", "(?<n>x)"],
  // Operators of databases, templates, shells and markup.
  ...[
    '{"$gt":""}',
    "$where",
    "[$ne]=1",
    "' OR 1=1 --",
    "$\u007b7*7}",
    "{{7*7}}",
    "; rm -rf /",
    "<script>alert(1)</script>",
  ],
  ...["__proto__", "constructor", "toString", "%00", "%", "../../etc/passwd", "NaN", "null", "-1"],
  // Scripts, marks, and halves of characters.
  ...[
    "\ud800",
    "a\udfffb",
    `e${long("\u0301", 90)}`,
    long("\u0e31", 100),
    long("ﷺ", 100),
    "ﬃ",
    "İ",
    "ß",
    "🧑‍🧑‍🧒‍🧒",
  ],
  // Long ones: words, one word, many words, a text without blanks, typos.
  ...[long("a", 100), long("ab ", 100), long("a b c d ", 100), long("木製", 100), long("qwertyuiop ", 100)],
  ...[long("a", 101), long("a", 5_000), long("é", 100), long("\u{1F600}", 100), long("1-", 100)],
];
