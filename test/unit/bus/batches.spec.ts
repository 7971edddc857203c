import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BATCH_TYPE,
  Batcher,
  encoded,
  type Outgoing,
  partsOf,
  SINGLE_TYPE,
} from "../../../broker/bus/amqp/batches.ts";
import { Slots } from "../../../broker/bus/amqp/slots.ts";

const publication = (n: number, type = "a", partition = 0, mayShare = true) => ({
  key: `${type}.${partition}`,
  partition,
  mandatory: true,
  mayShare,
  id: `id-${n}`,
  json: JSON.stringify({ id: `id-${n}`, n }),
});

/** A batcher that notes what it sends. */
function sending(outcome: () => Promise<void> = async () => undefined) {
  const sent: Outgoing[] = [];
  const batcher = new Batcher(async (outgoing) => {
    sent.push(outgoing);
    await outcome();
  });
  return { batcher, sent };
}

const numbersOf = ({ parts }: Outgoing): number[] => parts.map((it) => JSON.parse(it).n);

describe("Messages that share an AMQP message", () => {
  it("are those of one type and partition in one pass of the event loop", async () => {
    const { batcher, sent } = sending();
    await Promise.all([0, 1, 2].map((n) => batcher.add(publication(n))));
    await batcher.add(publication(3));
    await Promise.all([4, 5].map((n) => batcher.add(publication(n, "a", n))));
    assert.deepEqual(sent.map(numbersOf), [[0, 1, 2], [3], [4], [5]]);
    assert.equal(sent[0]?.id, "id-0");
  });

  it("keep the order of the calls in each partition, and are all sent", async () => {
    const call = fc.record({
      type: fc.constantFrom("a", "b", "c"),
      partition: fc.integer({ min: 0, max: 2 }),
      mayShare: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 80 }), async (calls) => {
        const { batcher, sent } = sending();
        await Promise.all(
          calls.map((it, n) => batcher.add(publication(n, it.type, it.partition, it.mayShare))),
        );
        for (const partition of [0, 1, 2]) {
          const expected = calls.flatMap((it, n) => (it.partition === partition ? [n] : []));
          const got = sent.filter((it) => it.key.endsWith(`.${partition}`)).flatMap(numbersOf);
          assert.deepEqual(got, expected);
        }
        for (const outgoing of sent)
          for (const n of numbersOf(outgoing)) {
            assert.equal(outgoing.key, `${calls[n]?.type}.${calls[n]?.partition}`);
            assert.ok(outgoing.parts.length === 1 || calls[n]?.mayShare);
          }
      }),
    );
  });

  it("are few enough, and small enough together", async () => {
    const { batcher, sent } = sending();
    const large = { ...publication(0), json: JSON.stringify({ n: 0, pad: "x".repeat(100_000) }) };
    await Promise.all(Array.from({ length: 50 }, (_, n) => batcher.add(publication(n))));
    await Promise.all(Array.from({ length: 5 }, () => batcher.add(large)));
    assert.deepEqual(
      sent.map((it) => it.parts.length),
      [20, 20, 10, 2, 2, 1],
    );
  });

  it("are confirmed together, and fail together", async () => {
    let fails = false;
    const { batcher } = sending(async () => {
      if (fails) throw new Error("away");
    });
    await Promise.all([batcher.add(publication(0)), batcher.add(publication(1))]);
    fails = true;
    const outcomes = await Promise.allSettled([batcher.add(publication(2)), batcher.add(publication(3))]);
    assert.deepEqual(
      outcomes.map((it) => it.status),
      ["rejected", "rejected"],
    );
  });

  it("are a CloudEvents batch; one alone is what every version reads", () => {
    const one = encoded({ parts: ['{"id":"x"}'] });
    assert.deepEqual([one.contentType, one.content.toString()], [SINGLE_TYPE, '{"id":"x"}']);
    const two = encoded({ parts: ['{"id":"x"}', '{"id":"ü"}'] });
    assert.deepEqual(
      [two.contentType, JSON.parse(two.content.toString())],
      [BATCH_TYPE, [{ id: "x" }, { id: "ü" }]],
    );
  });
});

describe("An AMQP message that arrives", () => {
  const arrived = (text: string, contentType: string) =>
    partsOf({
      content: Buffer.from(text),
      properties: { contentType, messageId: "whole" },
    } as Parameters<typeof partsOf>[0]);

  it("has one part, or those of its batch under their own ids", () => {
    const [single, ...others] = arrived('{"id":"x","n":1}', SINGLE_TYPE);
    assert.equal(others.length, 0);
    assert.deepEqual([single?.id, single?.value()], ["whole", { id: "x", n: 1 }]);
    const parts = arrived('[{"id":"x"},{"id":"y"},7,{"id":8}]', BATCH_TYPE);
    assert.deepEqual(
      parts.map((it) => [it.id, it.value(), it.content().toString()]),
      [
        ["x", { id: "x" }, '{"id":"x"}'],
        ["y", { id: "y" }, '{"id":"y"}'],
        ["", 7, "7"],
        ["", { id: 8 }, '{"id":8}'],
      ],
    );
  });

  it("is one part as it stands where it is no batch", () => {
    for (const text of ["[", "[]", '{"id":"x"}', "null"]) {
      const [whole, ...others] = arrived(text, BATCH_TYPE);
      assert.equal(others.length, 0);
      assert.deepEqual([whole?.id, whole?.content().toString()], ["whole", text]);
    }
    assert.throws(() => arrived("[", BATCH_TYPE)[0]?.value(), SyntaxError);
  });
});

describe("Slots", () => {
  it("run a bounded number at once, the others in order, also after failures", async () => {
    const slots = new Slots(3);
    let running = 0;
    let most = 0;
    const started: number[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        slots.run(async () => {
          started.push(n);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
          if (n % 4 === 0) throw new Error("some fail");
        }),
      ),
    );
    assert.equal(most, 3);
    assert.deepEqual(
      started,
      Array.from({ length: 20 }, (_, n) => n),
    );
    assert.equal(outcomes.filter((it) => it.status === "rejected").length, 5);
  });
});
