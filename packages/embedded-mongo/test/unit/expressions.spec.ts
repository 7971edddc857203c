/** Expressions give MongoDB's values and types, those of its documentation's examples among them. */
import assert from "node:assert/strict";
import { BSON, Decimal128, type Document, Double, Int32, Long, ObjectId, Timestamp } from "bson";
import fc from "fast-check";
import { compileExpression } from "../../src/aggregate/expression.ts";
import { Environment, operatorNames } from "../../src/aggregate/pipeline.ts";
import { encode, fromJs } from "../../src/bson/make.ts";
import { wrap } from "../../src/bson/raw.ts";
import { StoreError } from "../../src/errors.ts";

const { EJSON } = BSON;
const environment = new Environment(0, undefined, () => []);
const missing = Symbol("missing");

function evaluate(expression: unknown, document: Document = {}): unknown {
  const found = compileExpression(fromJs(expression), environment.names)(environment.scope(encode(document)));
  return found === undefined ? missing : BSON.deserialize(wrap(found).bytes(), { promoteValues: false }).v;
}

/** The value with its type, as text. */
const typed = (value: unknown): string =>
  value === missing ? "missing" : EJSON.stringify({ v: value }, { relaxed: false });

const int = (n: number) => new Int32(n);
const double = (n: number) => new Double(n);
const long = (n: number | string) => Long.fromString(String(n));
const decimal = (text: string) => Decimal128.fromString(text);
const date = (text: string) => new Date(text);
const millions = long("9007199254740993");

type Case = [expression: unknown, expected: unknown, document?: Document];
const groups: Record<string, Case[]> = {
  "arithmetic keeps types": [
    [{ $add: [int(1), int(2)] }, int(3)],
    [{ $add: [2147483647, 1] }, long(2147483648)],
    [{ $add: [Long.MAX_VALUE, 1] }, double(2 ** 63)],
    [{ $add: [int(1), double(2)] }, double(3)],
    [{ $add: [decimal("0.1"), decimal("0.2")] }, decimal("0.3")],
    [{ $add: [date("2014-03-01T08:00:00Z"), 3 * 60 * 60000] }, date("2014-03-01T11:00:00Z")],
    [{ $add: [1, null] }, null],
    [{ $subtract: [int(-2147483648), 1] }, long(-2147483649)],
    [{ $subtract: [Long.MIN_VALUE, long(-1)] }, long("-9223372036854775807")],
    [{ $subtract: [date("2014-03-01T08:00:00Z"), date("2014-03-01T07:00:00Z")] }, long(3600000)],
    [{ $subtract: [date("2014-03-01T08:00:00Z"), 300000] }, date("2014-03-01T07:55:00Z")],
    [{ $multiply: [int(65536), int(65536)] }, long("4294967296")],
    [{ $divide: [int(80), int(8)] }, double(10)],
    [{ $divide: [int(1), int(3)] }, double(1 / 3)],
    [{ $divide: [decimal("1"), int(3)] }, decimal("0.3333333333333333333333333333333333")],
    [{ $divide: [decimal("10"), decimal("4")] }, decimal("2.5")],
    [{ $divide: [decimal("2"), int(3)] }, decimal("0.6666666666666666666666666666666667")],
    [{ $mod: [int(80), int(7)] }, int(3)],
    [{ $mod: [long(-7), int(3)] }, long(-1)],
    [{ $mod: [double(6.5), int(2)] }, double(0.5)],
    [{ $mod: [decimal("7.5"), int(2)] }, decimal("1.5")],
    [{ $mod: [millions, int(10)] }, long(3)],
    [{ $abs: int(-1) }, int(1)],
    [{ $abs: int(-2147483648) }, long(2147483648)],
    [{ $abs: decimal("-1.5") }, decimal("1.5")],
    [{ $ceil: double(7.8) }, double(8)],
    [{ $ceil: double(-2.8) }, double(-2)],
    [{ $floor: double(-2.8) }, double(-3)],
    [{ $floor: decimal("-2.8") }, decimal("-3")],
    [{ $ceil: int(5) }, int(5)],
    [{ $round: [double(10.5), 0] }, double(10)],
    [{ $round: [double(11.5), 0] }, double(12)],
    [{ $round: [double(19.25), 1] }, double(19.2)],
    [{ $round: [double(28.73), 1] }, double(28.7)],
    [{ $round: [double(39.55), -1] }, double(40)],
    [{ $round: [int(1234), -2] }, int(1200)],
    [{ $round: [int(5), -1] }, int(0)],
    [{ $round: [long(15), -1] }, long(20)],
    [{ $round: decimal("2.5") }, decimal("2")],
    [{ $round: [double(1.005), 2] }, double(1)],
    [{ $trunc: [double(28.73), 1] }, double(28.7)],
    [{ $trunc: double(-7.9) }, double(-7)],
    [{ $trunc: [int(1999), -2] }, int(1900)],
    [{ $sqrt: int(25) }, double(5)],
    [{ $pow: [int(2), int(3)] }, int(8)],
    [{ $pow: [int(2), int(40)] }, long(2 ** 40)],
    [{ $pow: [int(2), int(-1)] }, double(0.5)],
    [{ $pow: [int(10), int(100)] }, double(1e100)],
    [{ $pow: [double(2), int(3)] }, double(8)],
    [{ $exp: 0 }, double(1)],
    [{ $ln: 1 }, double(0)],
    [{ $log: [100, 10] }, double(2)],
    [{ $log10: 1000 }, double(3)],
    [{ $atan2: [1, 1] }, double(Math.PI / 4)],
    [{ $degreesToRadians: 180 }, double(Math.PI)],
    [{ $bitAnd: [int(5), long(3)] }, long(1)],
    [{ $bitNot: int(5) }, int(-6)],
    [{ $sum: [int(1), double(2.5), "x"] }, double(3.5)],
    [{ $sum: "$l" }, double(1), { l: Array(10).fill(double(0.1)) }],
    [{ $sum: ["$l", 1] }, int(1), { l: [1, 2] }],
    [{ $sum: "$none" }, int(0)],
    [{ $avg: [int(1), int(2)] }, double(1.5)],
    [{ $avg: [decimal("1"), int(2)] }, decimal("1.5")],
    [{ $avg: [] }, null],
    [{ $max: "$l" }, int(9), { l: [3, 9, null] }],
    [{ $min: [int(3), "a"] }, int(3)],
    [{ $stdDevPop: "$l" }, double(2), { l: [2, 4, 4, 4, 5, 5, 7, 9] }],
  ],
  conversions: [
    [{ $toString: millions }, "9007199254740993"],
    [{ $toString: double(2.5) }, "2.5"],
    [{ $toString: double(1) }, "1"],
    [{ $toString: double(1e21) }, "1e+21"],
    [{ $toString: double(0.00001) }, "1e-05"],
    [{ $toString: decimal("1.10") }, "1.10"],
    [{ $toString: true }, "true"],
    [{ $toString: date("2018-03-27T16:58:51.538Z") }, "2018-03-27T16:58:51.538Z"],
    [{ $toString: new ObjectId("5ab9c3da31c2ab715d421285") }, "5ab9c3da31c2ab715d421285"],
    [{ $toString: null }, null],
    [{ $toInt: double(5.5) }, int(5)],
    [{ $toInt: "-2" }, int(-2)],
    [{ $toInt: decimal("5.5000") }, int(5)],
    [{ $toInt: true }, int(1)],
    [{ $toLong: double(-9.9) }, long(-9)],
    [{ $toLong: date("2018-03-26T04:38:28.044Z") }, long(1522039108044)],
    [{ $toLong: "9007199254740993" }, millions],
    [{ $toDouble: "-5.5" }, double(-5.5)],
    [{ $toDouble: decimal("5.5") }, double(5.5)],
    [{ $toDecimal: double(0.1) }, decimal("0.100000000000000")],
    [{ $toDecimal: "-5.50" }, decimal("-5.50")],
    [{ $toDecimal: millions }, decimal("9007199254740993")],
    [{ $toLong: { $toDate: Long.MAX_VALUE } }, Long.MAX_VALUE],
    [{ $toDate: long(120000000000) }, date("1973-10-20T21:20:00Z")],
    [{ $toDate: new ObjectId("5ab9c3da31c2ab715d421285") }, date("2018-03-27T04:08:58Z")],
    [{ $toDate: "2018-03-20 11:00:06 +0500" }, date("2018-03-20T06:00:06Z")],
    [{ $toObjectId: "5ab9cbfa31c2ab715d42129e" }, new ObjectId("5ab9cbfa31c2ab715d42129e")],
    [{ $toBool: "false" }, true],
    [{ $toBool: double(0) }, false],
    [{ $convert: { input: "x", to: "int", onError: "bad" } }, "bad"],
    [{ $convert: { input: null, to: "int", onNull: 0 } }, int(0)],
    [{ $convert: { input: double(3.7), to: 18 } }, long(3)],
    [{ $type: "$none" }, "missing"],
    [{ $type: millions }, "long"],
    [{ $isNumber: decimal("1") }, true],
  ],
  dates: [
    [{ $dateAdd: { startDate: date("2021-01-31"), unit: "month", amount: 1 } }, date("2021-02-28")],
    [{ $dateAdd: { startDate: date("2024-01-31"), unit: "month", amount: 1 } }, date("2024-02-29")],
    [{ $dateAdd: { startDate: date("2020-11-30"), unit: "quarter", amount: 1 } }, date("2021-02-28")],
    [{ $dateAdd: { startDate: date("2020-02-29"), unit: "year", amount: 1 } }, date("2021-02-28")],
    [
      { $dateAdd: { startDate: date("2020-12-31T12:10:05Z"), unit: "week", amount: 2 } },
      date("2021-01-14T12:10:05Z"),
    ],
    [
      // The clocks of New York go forward on 14 March 2021. That day has 23 hours, so 24 hours are not a day.
      {
        $dateAdd: {
          startDate: date("2021-03-13T10:00:00Z"),
          unit: "day",
          amount: 1,
          timezone: "America/New_York",
        },
      },
      date("2021-03-14T09:00:00Z"),
    ],
    [
      {
        $dateAdd: {
          startDate: date("2021-03-13T10:00:00Z"),
          unit: "hour",
          amount: 24,
          timezone: "America/New_York",
        },
      },
      date("2021-03-14T10:00:00Z"),
    ],
    [
      { $dateSubtract: { startDate: date("2020-12-31T12:10:05Z"), unit: "month", amount: 3 } },
      date("2020-09-30T12:10:05Z"),
    ],
    [
      {
        $dateDiff: {
          startDate: date("2020-12-31T23:59:59Z"),
          endDate: date("2021-01-01T00:00:00Z"),
          unit: "year",
        },
      },
      long(1),
    ],
    [{ $dateDiff: { startDate: date("2021-01-31"), endDate: date("2021-03-01"), unit: "month" } }, long(2)],
    [{ $dateDiff: { startDate: date("2021-01-01"), endDate: date("2021-01-03"), unit: "week" } }, long(1)],
    [
      {
        $dateDiff: {
          startDate: date("2021-01-01"),
          endDate: date("2021-01-03"),
          unit: "week",
          startOfWeek: "mon",
        },
      },
      long(0),
    ],
    [{ $dateDiff: { startDate: date("2021-01-02"), endDate: date("2021-01-01"), unit: "hour" } }, long(-24)],
    [
      {
        $dateDiff: {
          startDate: date("2021-03-13T10:00:00Z"),
          endDate: date("2021-03-15T09:30:00Z"),
          unit: "day",
          timezone: "America/New_York",
        },
      },
      long(2),
    ],
    [
      { $dateTrunc: { date: date("2021-03-20T11:30:05Z"), unit: "hour", binSize: 2 } },
      date("2021-03-20T10:00:00Z"),
    ],
    [{ $dateTrunc: { date: date("2021-03-20T11:30:05Z"), unit: "month" } }, date("2021-03-01")],
    [{ $dateTrunc: { date: date("2021-03-20T11:30:05Z"), unit: "week" } }, date("2021-03-14")],
    [
      { $dateTrunc: { date: date("2021-03-20T11:30:05Z"), unit: "week", startOfWeek: "Monday" } },
      date("2021-03-15"),
    ],
    [
      {
        $dateTrunc: {
          date: date("2021-03-20T11:30:05Z"),
          unit: "week",
          binSize: 2,
          timezone: "America/Los_Angeles",
          startOfWeek: "Monday",
        },
      },
      date("2021-03-15T07:00:00Z"),
    ],
    [{ $dateTrunc: { date: date("2021-11-14T00:00:00Z"), unit: "quarter", binSize: 2 } }, date("2021-07-01")],
    [
      { $dateTrunc: { date: date("1999-12-31T23:00:00Z"), unit: "day", timezone: "+05:30" } },
      date("1999-12-31T18:30:00Z"),
    ],
    [{ $year: { date: date("2016-01-01T00:00:00Z"), timezone: "-0500" } }, int(2015)],
    [{ $month: date("2014-01-01T08:15:39.736Z") }, int(1)],
    [{ $dayOfYear: date("2024-12-31") }, int(366)],
    [{ $dayOfWeek: date("2014-01-01") }, int(4)],
    [{ $week: date("2016-01-01") }, int(0)],
    [{ $week: date("2016-01-03") }, int(1)],
    [{ $week: [date("1998-11-01")] }, int(44)],
    [{ $isoWeek: date("2016-01-01") }, int(53)],
    [{ $isoWeekYear: date("2016-01-01") }, long(2015)],
    [{ $isoWeek: date("2018-12-31") }, int(1)],
    [{ $isoDayOfWeek: date("2016-01-03") }, int(7)],
    [{ $hour: { date: date("2014-01-01T08:15:39.736Z"), timezone: "+0530" } }, int(13)],
    [{ $minute: { date: date("2014-01-01T08:15:39.736Z"), timezone: "+05:30" } }, int(45)],
    [{ $millisecond: date("2014-01-01T08:15:39.736Z") }, int(736)],
    [{ $year: null }, null],
    [
      { $dateToParts: { date: date("2017-01-01T01:29:09.123Z"), timezone: "America/New_York" } },
      {
        year: int(2016),
        month: int(12),
        day: int(31),
        hour: int(20),
        minute: int(29),
        second: int(9),
        millisecond: int(123),
      },
    ],
    [
      { $dateToParts: { date: date("2017-01-01T01:29:09.123Z"), iso8601: true } },
      {
        isoWeekYear: int(2016),
        isoWeek: int(52),
        isoDayOfWeek: int(7),
        hour: int(1),
        minute: int(29),
        second: int(9),
        millisecond: int(123),
      },
    ],
    [{ $dateFromParts: { year: 2017, month: 2, day: 8, hour: 12 } }, date("2017-02-08T12:00:00Z")],
    [
      { $dateFromParts: { isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 3, hour: 12 } },
      date("2017-02-08T12:00:00Z"),
    ],
    [
      {
        $dateFromParts: {
          year: 2016,
          month: 12,
          day: 31,
          hour: 23,
          minute: 46,
          second: 12,
          timezone: "America/New_York",
        },
      },
      date("2017-01-01T04:46:12Z"),
    ],
    [{ $dateFromParts: { year: 2017, month: 14, day: 1, hour: 12 } }, date("2018-02-01T12:00:00Z")],
    [{ $dateFromParts: { year: 2017, month: 0, day: 1, hour: 12 } }, date("2016-12-01T12:00:00Z")],
    [{ $dateToString: { date: date("2014-01-01T08:15:39.736Z") } }, "2014-01-01T08:15:39.736Z"],
    [
      {
        $dateToString: {
          date: date("2014-01-01T08:15:39.736Z"),
          format: "%Y-%m-%d %H:%M:%S:%L%z",
          timezone: "America/New_York",
        },
      },
      "2014-01-01 03:15:39:736-0500",
    ],
    [
      {
        $dateToString: {
          date: date("2014-01-01T08:15:39.736Z"),
          format: "%j %U %V %G %w %u %Z %% %b",
          timezone: "+04:30",
        },
      },
      "001 00 01 2014 4 3 +270 % Jan",
    ],
    [{ $dateToString: { date: null, onNull: "none" } }, "none"],
    [{ $dateFromString: { dateString: "2017-02-08T12:10:40.787" } }, date("2017-02-08T12:10:40.787Z")],
    [
      { $dateFromString: { dateString: "2017-02-08T12:10:40.787", timezone: "America/New_York" } },
      date("2017-02-08T17:10:40.787Z"),
    ],
    [{ $dateFromString: { dateString: "2017-02-08" } }, date("2017-02-08")],
    [{ $dateFromString: { dateString: "06-15-2018", format: "%m-%d-%Y" } }, date("2018-06-15")],
    [
      { $dateFromString: { dateString: "15 Jun 2018 +0530", format: "%d %b %Y %z" } },
      date("2018-06-14T18:30:00Z"),
    ],
    [{ $dateFromString: { dateString: "nonsense", onError: "bad" } }, "bad"],
    [{ $tsSecond: new Timestamp({ t: 7, i: 3 }) }, long(7)],
  ],
  text: [
    [{ $split: ["2016-01", "-"] }, ["2016", "01"]],
    [{ $strLenCP: "é\u{1F600}" }, int(2)],
    [{ $strLenBytes: "é\u{1F600}" }, int(6)],
    [{ $substrCP: ["caf\u00e9s", 3, 2] }, "és"],
    [{ $substrBytes: ["cafés", 0, 3] }, "caf"],
    [{ $substr: [millions, 0, 4] }, "9007"],
    [{ $toUpper: "straße é" }, "STRAßE é"],
    [{ $toLower: null }, ""],
    [{ $strcasecmp: ["a", "B"] }, int(-1)],
    [{ $trim: { input: " \n good  bye \t " } }, "good  bye"],
    [{ $trim: { input: " ggggoodbyeeeee", chars: "ge" } }, " ggggoodby"],
    [{ $ltrim: { input: "0010", chars: "0" } }, "10"],
    [{ $indexOfCP: ["cafeteria", "e"] }, int(3)],
    [{ $indexOfCP: ["\u{1F600}ab", "b"] }, int(2)],
    [{ $indexOfBytes: ["vanilla", "ll", 0, 12] }, int(4)],
    [{ $indexOfBytes: ["cafétéria", "t"] }, int(5)],
    [{ $indexOfCP: [null, "foo"] }, null],
    [
      { $replaceOne: { input: "blue paint, blue", find: "blue", replacement: { $literal: "$&" } } },
      "$& paint, blue",
    ],
    [{ $replaceAll: { input: "a.b.c", find: ".", replacement: "" } }, "abc"],
    [{ $regexMatch: { input: "Line\n", regex: "line$", options: "i" } }, true],
    [{ $concat: ["a", null] }, null],
  ],
  "arrays and sets": [
    [{ $slice: [[1, 2, 3], 1, 1] }, [int(2)]],
    [{ $slice: [[1, 2, 3], -2] }, [int(2), int(3)]],
    [{ $slice: [[1, 2, 3], -5, 2] }, [int(1), int(2)]],
    [{ $range: [0, 10, 4] }, [int(0), int(4), int(8)]],
    [{ $range: [5, 0, -2] }, [int(5), int(3), int(1)]],
    [{ $reverseArray: { $concatArrays: [["a"], ["b"]] } }, ["b", "a"]],
    [{ $indexOfArray: [["a", "abc", "b"], "b"] }, int(2)],
    [{ $indexOfArray: [[1, 2], 1.0, 1] }, int(-1)],
    [{ $zip: { inputs: [["a"], ["b", "c"]] } }, [["a", "b"]]],
    [
      { $zip: { inputs: [[1], [2, 3]], useLongestLength: true, defaults: ["a", "b"] } },
      [
        [int(1), int(2)],
        ["a", int(3)],
      ],
    ],
    [{ $sortArray: { input: [3, 1, 2], sortBy: -1 } }, [int(3), int(2), int(1)]],
    [{ $sortArray: { input: [{ a: 2 }, { a: 1 }], sortBy: { a: 1 } } }, [{ a: int(1) }, { a: int(2) }]],
    [{ $firstN: { input: [1, 2, 3], n: 2 } }, [int(1), int(2)]],
    [{ $maxN: { input: [1, 3, 2], n: 2 } }, [int(3), int(2)]],
    [
      {
        $setUnion: [
          ["a", "b"],
          ["c", "a"],
        ],
      },
      ["a", "b", "c"],
    ],
    [
      {
        $setIntersection: [
          ["a", "b"],
          ["b", "b", "a"],
        ],
      },
      ["a", "b"],
    ],
    [{ $setDifference: [["a", "b", "a"], ["b"]] }, ["a"]],
    [
      {
        $setEquals: [
          ["a", "b", "a"],
          ["b", "a"],
        ],
      },
      true,
    ],
    [{ $setIsSubset: [["a"], ["b", "a"]] }, true],
    [{ $allElementsTrue: [[true, 1, "x"]] }, true],
    [{ $anyElementTrue: [[null, 0]] }, false],
    [{ $getField: "a.b" }, int(1), { "a.b": 1 }],
    [
      { $setField: { field: { $literal: "$p" }, input: "$$ROOT", value: 2 } },
      { a: int(1), $p: int(2) },
      { a: 1 },
    ],
    [{ $unsetField: { field: "a", input: "$$ROOT" } }, { b: int(2) }, { a: 1, b: 2 }],
    [{ $filter: { input: [1, 2, 3], cond: { $gt: ["$$this", 1] }, limit: 1 } }, [int(2)]],
    [{ $arrayElemAt: [[1, 2], -1] }, int(2)],
    [{ $arrayElemAt: [[1, 2], 5] }, missing],
  ],
};

const refused: [code: number, expression: unknown][] = [
  [168, { $noSuch: 1 }],
  [168, { $regexFind: { input: "a", regex: "a" } }],
  [14, { $add: ["a", 1] }],
  [2, { $divide: [1, 0] }],
  [16610, { $mod: [1, 0] }],
  [28714, { $sqrt: -1 }],
  [28764, { $pow: [0, -1] }],
  [51083, { $round: [1.5, 101] }],
  [238, { $sqrt: Decimal128.fromString("2") }],
  [241, { $toInt: "5.5" }],
  [241, { $toInt: 2 ** 31 }],
  [241, { $toInt: Number.NaN }],
  [241, { $toDate: 5 }],
  [241, { $toDate: "Friday" }],
  [241, { $toString: [[1]] }],
  [241, { $toObjectId: "5ab9" }],
  [40485, { $year: { date: new Date(0), timezone: "Mars/Olympus" } }],
  [40485, { $year: { date: new Date(0), timezone: "+5" } }],
  [16006, { $year: "2020-01-01" }],
  [18536, { $dateToString: { date: new Date(0), format: "%Q" } }],
  [40535, { $year: { date: new Date(0), zone: "UTC" } }],
  [9, { $dateAdd: { startDate: new Date(0), unit: "months", amount: 1 } }],
  [5166405, { $dateAdd: { startDate: new Date(0), unit: "month", amount: 1.5 } }],
  [241, { $dateFromString: { dateString: "2021-02-30" } }],
  [40489, { $dateFromParts: { year: 2020, isoWeek: 1 } }],
  [40523, { $dateFromParts: { year: 10000 } }],
  [40087, { $split: ["a", ""] }],
  [34471, { $strLenCP: null }],
  [28656, { $substrBytes: ["é", 1, 1] }],
  [34449, { $range: [0, 1, 0] }],
  [28691, { $arrayElemAt: [[1], 0.5] }],
  [17041, { $anyElementTrue: ["x"] }],
];

describe("expressions", () => {
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const [expression, expected, document] of cases) {
        it(EJSON.stringify(expression as Document).slice(0, 100), () => {
          assert.equal(typed(evaluate(expression, document)), typed(expected));
        });
      }
    });
  }

  it("refuse what they don't have, or can't do, with MongoDB's codes", () => {
    for (const [code, expression] of refused) {
      const shown = EJSON.stringify(expression as Document);
      try {
        assert.fail(`${shown} gave ${typed(evaluate(expression))}`);
      } catch (error) {
        assert.ok(error instanceof StoreError, `${shown}: ${error}`);
        assert.equal(error.code, code, `${shown}: ${error.message}`);
      }
    }
    assert.ok(operatorNames().length > 130, `${operatorNames().length} operators`);
  });

  it("count months, weeks and days as calendars do", () => {
    const instant = fc.date({
      min: new Date("1900-01-01"),
      max: new Date("2100-01-01"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instant, fc.integer({ min: -500, max: 500 }), (startDate, amount) => {
        const added = evaluate({ $dateAdd: { startDate, unit: "month", amount } }) as Date;
        assert.equal(Number(evaluate({ $dateDiff: { startDate, endDate: added, unit: "month" } })), amount);
        const parts = evaluate({ $dateToParts: { date: startDate, iso8601: true } }) as Document;
        assert.deepEqual(evaluate({ $dateFromParts: parts }), startDate);
        for (const timezone of ["Europe/Rome", "+05:45", "America/St_Johns"]) {
          const local = evaluate({ $dateToParts: { date: startDate, timezone } });
          const back = evaluate({ $dateFromParts: { ...(local as Document), timezone } }) as Date;
          // One of the two instants of a repeated local time in autumn. Before 1937, offsets had seconds too.
          assert.ok(Math.abs(back.getTime() - startDate.getTime()) <= 2 * 3_600_000);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("sum integers exactly and doubles with more digits than one has", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }), { maxLength: 6 }), (numbers) => {
        const exact = numbers.reduce((a, b) => a + b, 0n);
        const found = evaluate({ $sum: "$l" }, { l: numbers.map((n) => Long.fromBigInt(n)) });
        if (numbers.length > 0) assert.equal(String(found), exact.toString());
      }),
    );
    assert.equal(typed(evaluate({ $sum: [double(1e100), double(1), double(-1e100)] })), typed(double(1)));
  });
});
