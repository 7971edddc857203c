import assert from "node:assert/strict";
import fc from "fast-check";
import { Fifo } from "../../../broker/bus/local/fifo.ts";

describe("A fifo", () => {
  it("behaves like an array under any mix of push, shift, putBack and clear", () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ op: fc.constant("push" as const), count: fc.integer({ min: 1, max: 900 }) }),
      },
      {
        weight: 6,
        arbitrary: fc.record({ op: fc.constant("shift" as const), count: fc.integer({ min: 1, max: 900 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ op: fc.constant("putBack" as const), count: fc.integer({ min: 0, max: 5 }) }),
      },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("clear" as const), count: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        let next = 0;
        for (const { op, count } of steps) {
          if (op === "clear") {
            assert.deepEqual(fifo.clear(), model);
            model = [];
          } else if (op === "putBack") {
            const items = Array.from({ length: count }, () => next++);
            fifo.putBack(items);
            model.unshift(...items);
          } else
            for (let i = 0; i < count; i++)
              if (op === "shift") assert.equal(fifo.shift(), model.shift());
              else {
                fifo.push(next);
                model.push(next++);
              }
          assert.equal(fifo.length, model.length);
        }
        assert.deepEqual(fifo.clear(), model);
      }),
    );
  });
});
