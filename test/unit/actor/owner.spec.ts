import assert from "node:assert/strict";
import fc from "fast-check";
import { Owners, preferredNodes } from "../../../broker/actor/owner.ts";
import type { MailboxConsumption } from "../../../broker/bus/bus.ts";
import { eventually } from "../../support/eventually.ts";

const PARTITIONS = 16;
const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}-[0-9]{1,3}$/), { minLength: 1, maxLength: 20 });
const owners = (of: readonly string[], partitions = PARTITIONS) => preferredNodes(of, "order", partitions);

function loads(of: readonly string[], all: readonly string[]): number[] {
  return all.map((node) => of.filter((it) => it === node).length);
}

/** Partitions that changed hands although neither of the two is the node that came or went. */
function movedWithoutNeed(before: readonly string[], after: readonly string[], changed: string): number {
  return before.filter((it, p) => it !== after[p] && it !== changed && after[p] !== changed).length;
}

describe("Preferred owners", () => {
  it("are the same in the eyes of all nodes, in whatever order they know each other", () => {
    fc.assert(fc.property(nodes, (it) => assert.deepEqual(owners(it), owners(it.toReversed()))));
  });

  it("have even shares: no node more than one partition above another, every partition one node", () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 64 }), (it, partitions) => {
        const all = owners(it, partitions);
        assert.equal(all.filter(Boolean).length, partitions);
        const counts = loads(all, it);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
      }),
    );
  });

  it("of several actor types do not give their odd partitions all to the same nodes", () => {
    const three = ["shop-1", "shop-2", "shop-3"];
    const types = ["order", "stock", "payment", "delivery", "review", "cart"];
    const most = types.map((type) => loads(preferredNodes(three, type, PARTITIONS), three).indexOf(6));
    assert.ok(new Set(most).size > 1, `${most}`);
  });

  it("stay, but for a few, when a node comes or goes", () => {
    const RUNS = 200;
    for (const count of [1, 2, 3, 4, 7]) {
      let needless = 0;
      for (let run = 0; run < RUNS; run++) {
        const before = Array.from({ length: count }, (_, n) => `node-${run}-${n}`);
        const moved = movedWithoutNeed(owners(before), owners([...before, "new"]), "new");
        assert.ok(moved <= PARTITIONS / 2, `${moved} partitions moved between nodes that stayed`);
        needless += moved;
      }
      assert.ok(needless / RUNS < 2.5, `${needless / RUNS} of ${PARTITIONS} on average with ${count} nodes`);
    }
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
      againMs: 0,
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
    await it.stop(1_000);
  });
});

describe("A node among three", () => {
  /** Owners of one node, with what they hand over. */
  function owning(nodeId: string, alive: () => string[], againMs = 0) {
    const held = new Set<number>();
    const handed: number[] = [];
    const it = new Owners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId,
      nodes: alive,
      settleMs: 2,
      againMs,
      consumption: () => ({ held, handOver: async () => undefined, stop: async () => undefined }),
      handOver: async (partition) => {
        held.delete(partition);
        handed.push(partition);
      },
      onTrouble: (error) => assert.fail(String(error)),
    });
    return { it, held, handed };
  }
  const three = ["n1", "n2", "n3"];
  const others = owners(three).flatMap((owner, p) => (owner === "n1" ? [] : [p]));

  it("steps back once for the preferred ones, also where no message has come yet", async () => {
    const { it, handed } = owning("n1", () => three);
    it.changed();
    await eventually("it has stepped back", () => handed.length === others.length);
    assert.deepEqual(handed, others);
    it.changed();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(handed, others, "nobody new has come");
    await it.stop(1_000);
  });

  it("hands over what comes to it later by mistake, without a change of the registry", async () => {
    const { it, held, handed } = owning("n1", () => three);
    it.changed();
    await eventually("it has stepped back", () => handed.length === others.length);
    const [strange] = others;
    held.add(strange!);
    it.delivered(strange!);
    await eventually("it is handed over", () => handed.length === others.length + 1);
    assert.equal(handed.at(-1), strange);
    const mine = owners(three).indexOf("n1");
    held.add(mine);
    it.delivered(mine);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(handed.length, others.length + 1, "what is its own stays");
    await it.stop(1_000);
  });

  it("keeps for a while what comes back although it was handed over: its owner may be dead", async () => {
    let alive = three;
    const { it, held, handed } = owning("n1", () => alive, 60_000);
    it.changed();
    await eventually("it has stepped back", () => handed.length === others.length);
    const [back] = others;
    held.add(back!);
    it.delivered(back!);
    it.changed();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(handed.length, others.length);
    const owner = owners(three)[back!]!;
    alive = three.filter((node) => node !== owner);
    it.changed();
    const moves = owners(alive)[back!] === "n1" ? 0 : 1;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(
      handed.filter((p) => p === back).length,
      1 + moves,
      "another owner is stepped back for at once",
    );
    await it.stop(1_000);
  });
});
