import assert from "node:assert/strict";
import { Binary, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } from "bson";
import fc from "fast-check";
import { fromJs } from "../../src/bson/make.ts";
import type { Raw } from "../../src/bson/raw.ts";
import { compareValues } from "../../src/compare.ts";
import { encodeCompound, encodeKey } from "../../src/key-encoding.ts";

const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => Long.fromBigInt(n)),
  fc.constantFrom(0.1, -0.1, 1, 2 ** 53, -(2 ** 53), Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE),
  fc
    .constantFrom(2n ** 53n + 1n, 2n ** 53n, 2n ** 62n + 1n, -(2n ** 53n) - 1n)
    .map((n) => Long.fromBigInt(n)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 33n), max: 10n ** 33n }), fc.integer({ min: -40, max: 40 }))
    .map(([coefficient, exponent]) => Decimal128.fromString(`${coefficient}E${exponent}`)),
  fc
    .constantFrom(
      "0.1",
      "1.00",
      "-0.1",
      "1E400",
      "-1E400",
      "1E-400",
      "-1E-400",
      "0E3",
      "NaN",
      "Infinity",
      "-Infinity",
    )
    .map((text) => Decimal128.fromString(text)),
);

const scalars = fc.oneof(
  numbers,
  fc.string(),
  fc.constantFrom("", "\0", "a\0", "a\0b", "a", "é", "\u{1F600}", "\uFFFD"),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => new Binary(bytes)),
  fc.tuple(fc.nat(1000), fc.nat(1000)).map(([t, i]) => new Timestamp({ t, i })),
  fc.constantFrom(new MinKey(), new MaxKey(), /a/, /a/i, /ab/),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    { arbitrary: scalars, weight: 5 },
    { arbitrary: fc.array(tie("value"), { maxLength: 3 }), weight: 1 },
    { arbitrary: fc.dictionary(fc.constantFrom("a", "b", "ab"), tie("value"), { maxKeys: 3 }), weight: 1 },
  ),
}));

const raw = (js: unknown): Raw => fromJs(js);
const sign = (n: number): number => Math.sign(n);

/** Exact order of two finite numbers, computed without the code under test. */
function exactOrder(a: unknown, b: unknown): number {
  const [x, y] = [rational(a), rational(b)];
  const difference = x.n * y.d - y.n * x.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function rational(value: unknown): { n: bigint; d: bigint } {
  if (value instanceof Long) return { n: value.toBigInt(), d: 1n };
  if (value instanceof Decimal128) {
    const [, minus, whole = "0", fraction = "", exponent = "0"] =
      /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(value.toString()) ?? [];
    const power = Number(exponent) - fraction.length;
    const n = BigInt(`${minus}${whole}${fraction}`);
    return power >= 0 ? { n: n * 10n ** BigInt(power), d: 1n } : { n, d: 10n ** BigInt(-power) };
  }
  let d = 1n;
  let n = Number(value);
  while (!Number.isInteger(n)) {
    n *= 2;
    d *= 2n;
  }
  return { n: BigInt(n), d };
}

const isFinite_ = (value: unknown): boolean =>
  Number.isFinite(Number(String(value))) ||
  (value instanceof Decimal128 && !/NaN|Inf/.test(value.toString()));

describe("keys of an index", () => {
  it("order as MongoDB compares values", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        assert.equal(sign(encodeKey(raw(a)).compare(encodeKey(raw(b)))), sign(compareValues(raw(a), raw(b))));
      }),
      { numRuns: 3000 },
    );
  });

  it("order numbers of all types by their exact value", () => {
    fc.assert(
      fc.property(numbers.filter(isFinite_), numbers.filter(isFinite_), (a, b) => {
        assert.equal(sign(encodeKey(raw(a)).compare(encodeKey(raw(b)))), exactOrder(a, b));
        assert.equal(sign(compareValues(raw(a), raw(b))), exactOrder(a, b));
      }),
      { numRuns: 3000 },
    );
  });

  it("are equal for equal numbers of different types", () => {
    const ones = [
      1,
      new Double(1),
      Long.fromNumber(1),
      Decimal128.fromString("1.00"),
      Decimal128.fromString("10E-1"),
    ];
    assert.equal(new Set(ones.map((one) => encodeKey(raw(one)).toString("hex"))).size, 1);
    assert.notDeepEqual(encodeKey(raw(0.1)), encodeKey(raw(Decimal128.fromString("0.1"))));
  });

  it("sort types in MongoDB's order", () => {
    const sorted = [
      new MinKey(),
      null,
      -1,
      "a",
      { a: 1 },
      [1],
      new Binary(Buffer.from("a")),
      new ObjectId(),
      false,
      true,
      new Date(),
      new Timestamp({ t: 1, i: 1 }),
      /a/,
      new MaxKey(),
    ];
    for (let i = 1; i < sorted.length; i++) {
      assert.ok(encodeKey(raw(sorted[i - 1])).compare(encodeKey(raw(sorted[i]))) < 0, `position ${i}`);
    }
  });

  it("order compound keys field by field, inverted where descending", () => {
    fc.assert(
      fc.property(
        fc.tuple(value, value),
        fc.tuple(value, value),
        fc.tuple(fc.boolean(), fc.boolean()),
        (a, b, down) => {
          const wanted = a
            .map((part, i) => sign(compareValues(raw(part), raw(b[i]))) * (down[i] ? -1 : 1))
            .find((order) => order !== 0);
          const keys = [a, b].map((parts) => encodeCompound(parts.map(raw), down)) as [Buffer, Buffer];
          assert.equal(sign(keys[0].compare(keys[1])), wanted ?? 0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
