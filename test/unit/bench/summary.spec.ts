import assert from "node:assert/strict";
import { type Round, shortNumber, summarize, tableOf } from "../../bench/compare/summary.ts";
import { detail, less, more } from "../../bench/measure/figure.ts";

const round = (side: string, speed: number, cost: number, flushes: number | null): Round => ({
  side,
  figures: [more("speed", "/s", speed), less("cost", "ms", cost), detail("flushes", "", flushes)],
});
const rounds = [
  round("old", 100, 10, null),
  round("today", 200, 11, 3),
  round("old", 50, 20, null),
  round("today", 150, 19, 5),
  round("old", 80, 16, null),
  round("today", 160, 16, 4),
];

describe("the summary of a bench", () => {
  it("has the spread of each side, and the ratio of rounds that ran one after the other", () => {
    const [speed] = summarize(rounds, ["today", "old"]);
    assert.deepEqual(speed, {
      title: "speed",
      unit: "/s",
      better: "more",
      sides: [
        { side: "today", spread: { min: 150, median: 160, max: 200 } },
        { side: "old", spread: { min: 50, median: 80, max: 100 } },
      ],
      ratio: { min: 2, median: 2, max: 3 },
    });
  });

  it("has no ratio with a side that does not count, or alone", () => {
    const [, , flushes] = summarize(rounds, ["today", "old"]);
    assert.deepEqual(flushes?.sides[1], { side: "old", spread: null });
    assert.equal(flushes?.ratio, null);
    const alone = summarize(
      rounds.filter((it) => it.side === "today"),
      ["today"],
    );
    assert.deepEqual(
      alone.map((it) => it.ratio),
      [null, null, null],
    );
  });

  it("keeps a figure that only one side has", () => {
    const lines = summarize(
      [{ side: "today", figures: [more("new", "/s", 1)] }, ...rounds],
      ["today", "old"],
    );
    assert.deepEqual(lines[0]?.sides[1], { side: "old", spread: null });
  });

  it("is a table that says what got better where all rounds agree", () => {
    assert.equal(
      tableOf(summarize(rounds, ["today", "old"])),
      [
        "             today: min · median · max  old: min · median · max          ratio today : old",
        "speed    /s            150 · 160 · 200        50.0 · 80.0 · 100  2.00 · 2.00 · 3.00 better",
        "cost     ms         11.0 · 16.0 · 19.0       10.0 · 16.0 · 20.0  0.95 · 1.00 · 1.10",
        "flushes             3.00 · 4.00 · 5.00              not counted",
      ].join("\n"),
    );
  });

  it("shows one value of one round, and does not judge", () => {
    assert.equal(
      tableOf(summarize([round("old", 1_234.5, 1, 1), round("today", 1_300, 2, 1)], ["today", "old"])).split(
        "\n",
      )[1],
      "speed    /s                       1300                     1235        1.05",
    );
  });

  it("has numbers of about three digits", () => {
    assert.deepEqual([4_250.4, 67.34, 8.155, 0.4249, 0].map(shortNumber), [
      "4250",
      "67.3",
      "8.15",
      "0.42",
      "0.00",
    ]);
  });
});
