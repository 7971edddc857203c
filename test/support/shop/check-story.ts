import assert from "node:assert/strict";

/** Checks the output of the README's story: a PDF's first bytes, the whole history, and the sold units of the first SKU. */
export function checkStory(lines: readonly string[]): void {
  assert.ok(lines.includes("%PDF-"), "there is no invoice");
  const history = lines.find((line) => line.includes("→"));
  assert.equal(history, "placed → awaiting_payment → paid → shipped → delivered");
  const [, before, after] = /: (\d+) before, (\d+) after$/.exec(lines.at(-1) ?? "") ?? [];
  assert.equal(Number(before) - Number(after), 2);
}
