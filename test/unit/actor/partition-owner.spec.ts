import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ConsumerNode,
  PartitionOwners,
  preferredNodes,
} from "../../../broker/actor/runtime/mailboxes/partition-owner.ts";
import type { MailboxConsumption } from "../../../broker/bus/bus.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

const PARTITIONS = 16;
const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}-[0-9]{1,3}$/), { minLength: 1, maxLength: 20 });
const owners = (of: readonly string[], partitions = PARTITIONS) => preferredNodes(of, "order", partitions);

const line = (ids: readonly string[]): ConsumerNode[] => ids.map((id) => ({ id }));

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
    const it = new PartitionOwners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId: "n1",
      nodes: () => line(alive),
      announce: () => undefined,
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
  /** PartitionOwners of one node, with what they hand over. */
  function owning(nodeId: string, alive: () => string[], againMs = 0, settleMs = 2) {
    const held = new Set<number>();
    const handed: number[] = [];
    const it = new PartitionOwners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId,
      nodes: () => line(alive()),
      announce: () => undefined,
      settleMs,
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

  it("tries again what could not be handed over, though no message comes", async () => {
    let fails = 1;
    const done: number[] = [];
    const it = new PartitionOwners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId: "n1",
      nodes: () => line(three),
      announce: () => undefined,
      settleMs: 2,
      againMs: 0,
      consumption: () => undefined,
      handOver: async (partition) => {
        if (partition === others[0] && fails-- > 0) throw new Error("not now");
        done.push(partition);
      },
      onTrouble: () => undefined,
    });
    it.changed();
    await eventually("all are handed over", () => new Set(done).size === others.length);
    await it.stop(1_000);
  });

  it("moves partitions though the registry never comes to rest", async () => {
    const { it, handed } = owning("n1", () => three, 0, 20);
    const changes = setInterval(() => it.changed(), 5);
    await eventually("it has stepped back", () => handed.length >= others.length);
    clearInterval(changes);
    await it.stop(1_000);
  });

  it("looks again by itself at what came back, once its owner may be alive", async () => {
    const { it, held, handed } = owning("n1", () => three, 50);
    it.changed();
    await eventually("it has stepped back", () => handed.length === others.length);
    held.add(others[0]!);
    it.delivered(others[0]!);
    await eventually("it is handed over", () => handed.length === others.length + 1);
    assert.equal(handed.at(-1), others[0]);
    await it.stop(1_000);
  });
});

/** A broker's queues with single active consumers, and nodes that know each other through a registry. */
class Lines {
  /** By partition: the consumers in the order they came; the first is the active one. */
  readonly queues: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #killed = new Set<PartitionOwners>();
  readonly nodes = new Map<string, { owners: PartitionOwners; held: Set<number>; told: ConsumerNode }>();

  join(id: string): void {
    const held = new Set<number>();
    const told: ConsumerNode = { id };
    const owners = new PartitionOwners({
      actor: "order",
      partitions: PARTITIONS,
      nodeId: id,
      nodes: () => [...this.nodes.values()].map((it) => it.told),
      announce: (places) => {
        told.places = [...places];
        this.#changed();
      },
      settleMs: 1,
      againMs: 60_000,
      consumption: () => ({ held, handOver: async () => undefined, stop: async () => undefined }),
      handOver: async (partition) => {
        held.delete(partition);
        this.#leave(id, partition);
        await new Promise((resolve) => setImmediate(resolve));
        if (!this.#killed.has(owners)) this.#enter(id, partition);
      },
      onTrouble: (error) => assert.fail(String(error)),
    });
    this.nodes.set(id, { owners, held, told });
    for (let p = 0; p < PARTITIONS; p++) this.#enter(id, p);
    told.places = [...owners.takePlaces()];
    this.#changed();
  }

  /** It is killed, and the others notice. */
  async die(id: string): Promise<void> {
    const node = this.nodes.get(id);
    this.nodes.delete(id);
    await this.#kill(id, node);
    this.#changed();
  }

  /** It is killed and started again with the same name before the registry has noticed. */
  async restart(id: string): Promise<void> {
    await this.#kill(id, this.nodes.get(id));
    this.join(id);
  }

  async #kill(id: string, node: { owners: PartitionOwners } | undefined): Promise<void> {
    if (node) this.#killed.add(node.owners);
    for (let p = 0; p < PARTITIONS; p++) this.#leave(id, p);
    await node?.owners.stop(1_000);
  }

  /** Its connection to the broker was lost and is open again. */
  reconnect(id: string): void {
    this.nodes.get(id)?.held.clear();
    for (let p = 0; p < PARTITIONS; p++) {
      this.#leave(id, p);
      this.#enter(id, p);
    }
  }

  active(): string[] {
    return this.queues.map(([first]) => first ?? "");
  }

  #leave(id: string, partition: number): void {
    const queue = this.queues[partition]!;
    if (queue.includes(id)) queue.splice(queue.indexOf(id), 1);
  }

  #enter(id: string, partition: number): void {
    const queue = this.queues[partition]!;
    // A hand-over that ran while the connection was lost finds it there again.
    if (queue.includes(id)) return;
    queue.push(id);
    this.nodes.get(id)?.owners.entered(partition);
  }

  #changed(): void {
    for (const { owners } of this.nodes.values()) owners.changed();
  }
}

describe("Nodes that come, go and lose their places without a message being sent", function () {
  this.timeout(60_000);

  it("always end with each partition at its preferred node, and so with even shares", async () => {
    const event = fc.record({
      what: fc.constantFrom("join" as const, "die" as const, "restart" as const, "reconnect" as const),
      who: fc.nat({ max: 3 }),
      pauseMs: fc.constantFrom(0, 0, 1, 3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 12 }), async (events) => {
        const lines = new Lines();
        lines.join("node-0");
        lines.join("node-1");
        for (const { what, who, pauseMs } of events) {
          const id = `node-${who}`;
          const known = lines.nodes.has(id);
          if (what === "join" && !known) lines.join(id);
          else if (what === "die" && known && lines.nodes.size > 1) await lines.die(id);
          else if (what === "restart" && known) await lines.restart(id);
          else if (what === "reconnect" && known) lines.reconnect(id);
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        const preferred = owners([...lines.nodes.keys()]);
        await eventually(
          "the preferred node is active in each",
          () => lines.active().every((id, p) => id === preferred[p]),
          3_000,
        ).catch((error: Error) => assert.fail(`${error.message}: ${lines.active()}`));
        for (const id of [...lines.nodes.keys()]) await lines.die(id);
      }),
      { numRuns: 100 },
    );
  });
});
