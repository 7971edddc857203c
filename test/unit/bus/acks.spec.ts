import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import fc from "fast-check";
import { Acks } from "../../../broker/bus/amqp/acks.ts";

const message = (deliveryTag: number) => ({ fields: { deliveryTag } }) as ConsumeMessage;

/** RabbitMQ's side: refuses an ack of what is not outstanding, as the real one does by closing the channel. */
function channel(count: number) {
  const outstanding = new Set(Array.from({ length: count }, (_, n) => n + 1));
  let frames = 0;
  return {
    outstanding,
    get frames() {
      return frames;
    },
    ack({ fields: { deliveryTag } }: ConsumeMessage, allUpTo: boolean) {
      frames++;
      assert.ok(outstanding.has(deliveryTag), `${deliveryTag} is not outstanding`);
      for (const tag of allUpTo ? [...outstanding].filter((it) => it <= deliveryTag) : [deliveryTag])
        outstanding.delete(tag);
    },
  };
}

describe("Gathered acks", () => {
  it("ack exactly what was settled, in any order and grouping", () => {
    const steps = fc.integer({ min: 1, max: 60 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        order: fc.shuffledSubarray(Array.from({ length: count }, (_, n) => n + 1)),
        flushAfter: fc.func(fc.boolean()),
      }),
    );
    fc.assert(
      fc.property(steps, ({ count, order, flushAfter }) => {
        const broker = channel(count);
        const acks = new Acks((it, allUpTo) => broker.ack(it, allUpTo));
        const settled = new Set<number>();
        const expected = () =>
          new Set(Array.from({ length: count }, (_, n) => n + 1).filter((tag) => !settled.has(tag)));
        for (const tag of order) {
          acks.add(message(tag));
          settled.add(tag);
          if (!flushAfter(tag)) continue;
          acks.flush();
          assert.deepEqual(broker.outstanding, expected());
        }
        acks.flush();
        assert.deepEqual(broker.outstanding, expected());
      }),
    );
  });

  it("go out as one frame where there is no gap, by themselves", async () => {
    const broker = channel(100);
    const acks = new Acks((it, allUpTo) => broker.ack(it, allUpTo));
    for (let tag = 100; tag > 0; tag--) acks.add(message(tag));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(broker.outstanding.size, 0);
    assert.equal(broker.frames, 1);
  });
});
