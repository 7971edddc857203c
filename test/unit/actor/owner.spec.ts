import assert from "node:assert/strict";
import fc from "fast-check";
import { Owners, preferredNode } from "../../../broker/actor/owner.ts";
import type { MailboxConsumption } from "../../../broker/bus/bus.ts";
import { eventually } from "../../support/eventually.ts";

const PARTITIONS = 16;
const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}-[0-9]{1,3}$/), { minLength: 1, maxLength: 6 });
const owners = (of: readonly string[]) =>
  Array.from({ length: PARTITIONS }, (_, p) => preferredNode(of, "order", p));

describe("Preferred owners", () => {
  it("are the same in the eyes of all nodes, in whatever order they know each other", () => {
    fc.assert(fc.property(nodes, (it) => assert.deepEqual(owners(it), owners(it.toReversed()))));
  });

  it("change only for the partitions of a node that leaves", () => {
    fc.assert(
      fc.property(nodes, (it) => {
        const [gone, ...left] = it;
        if (left.length === 0) return;
        const [before, after] = [owners(it), owners(left)];
        for (const [p, owner] of before.entries()) if (owner !== gone) assert.equal(after[p], owner);
      }),
    );
  });

  it("are spread: no node of three has more than three quarters of 256 partitions", () => {
    const three = ["a-1", "a-2", "a-3"];
    const counts = new Map<string | undefined, number>();
    for (let p = 0; p < 256; p++) {
      const owner = preferredNode(three, "order", p);
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    assert.equal(counts.size, 3);
    for (const count of counts.values()) assert.ok(count > 40 && count < 140, `${count}`);
  });

  it("get partitions handed over, one after the other, once they are alive", async () => {
    let alive = ["n1"];
    const handed: number[] = [];
    let running = 0;
    const held = new Set(Array.from({ length: PARTITIONS }, (_, p) => p));
    const consumption: MailboxConsumption = {
      held,
      handOver: async () => undefined,
      stop: async () => undefined,
    };
    const it = new Owners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId: "n1",
      nodes: () => alive,
      settleMs: 5,
      consumption: () => consumption,
      handOver: async (partition) => {
        assert.equal(++running, 1, "one at a time");
        await new Promise((resolve) => setImmediate(resolve));
        held.delete(partition);
        handed.push(partition);
        running--;
      },
      onTrouble: (error) => assert.fail(String(error)),
    });
    it.changed();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(handed, [], "nobody else is there");
    alive = ["n1", "n2"];
    const moving = owners(alive).flatMap((owner, p) => (owner === "n2" ? [p] : []));
    assert.ok(moving.length > 0);
    it.changed();
    await eventually("they are handed over", () => handed.length === moving.length);
    assert.deepEqual(handed, moving);
    assert.ok(!it.isMine(moving[0]!));
    await it.stop();
  });
});
