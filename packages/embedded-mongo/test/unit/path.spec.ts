import assert from "node:assert/strict";
import { type Path, parsePath } from "../../src/path.ts";

/** Bytes of the memory that the parts keep alive. */
const heldBy = (paths: readonly Path[]): number => {
  const buffers = new Set(paths.flatMap(({ parts }) => parts.map((it) => it.bytes.buffer)));
  return [...buffers].reduce((sum, it) => sum + it.byteLength, 0);
};

describe("A dotted path", () => {
  it("has the bytes of its parts, and the array positions that they name", () => {
    const { parts } = parsePath("state.holds.0.ключ.007");
    assert.deepEqual(
      parts.map((it) => [it.text, it.bytes.toString(), it.index]),
      [
        ["state", "state", -1],
        ["holds", "holds", -1],
        ["0", "0", 0],
        ["ключ", "ключ", -1],
        ["007", "007", -1],
      ],
    );
  });

  it("keeps no more memory than its bytes, because many are remembered", () => {
    const paths = Array.from({ length: 500 }, (_, n) => {
      // What else is made between two paths, from the same pool of Node.
      Buffer.allocUnsafe(4_000);
      return parsePath(`state.holds.order-${n}`);
    });
    const names = paths.flatMap((it) => it.parts).reduce((sum, it) => sum + it.text.length, 0);
    assert.equal(heldBy(paths), names);
  });

  it("is remembered, but not all of them are", () => {
    assert.equal(parsePath("a.path.of.many"), parsePath("a.path.of.many"));
    const first = parsePath("the.first.one");
    for (let n = 0; n < 1_000; n++) parsePath(`another.one.${n}`);
    assert.notEqual(parsePath("the.first.one"), first);
  });
});
