import assert from "node:assert/strict";
import fc from "fast-check";
import { UnroutableError } from "../../../broker/bus/bus.ts";
import { mergeTopologies, partitionOf, queuesOf, Routes, topologyOf } from "../../../broker/bus/topology.ts";
import type { ServiceContract } from "../../../broker/contract/contract.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { busContract, PARTITIONS } from "../../support/bus/bus-contract.ts";

const contract = (parts: Partial<ServiceContract>): ServiceContract => ({
  service: "topologytest",
  actions: {},
  messages: {},
  actors: {},
  workers: {},
  ...parts,
});

describe("The partition of a subject", () => {
  it("is always one of the partitions, and the same every time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 512 }), (subject, partitions) => {
        const partition = partitionOf(subject, partitions);
        assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions);
        assert.equal(partitionOf(subject, partitions), partition);
      }),
    );
  });

  it("never changes from one version to the next: queues hold messages by it", () => {
    const fixed = ["", "a", "order-1", "SKU-0001", "0190b1d4-7c1e-7a53-8e4e-6f1f0b1c2d3e", "naïve ☕", "🛒"];
    assert.deepEqual(
      fixed.map((subject) => partitionOf(subject, 16)),
      [11, 7, 11, 10, 5, 11, 4],
    );
  });

  const spreads: [string, (n: number) => string][] = [
    ["ids", () => newId()],
    ["counted names", (n) => `SKU-${n}`],
    ["padded numbers", (n) => String(n).padStart(8, "0")],
  ];
  for (const [what, make] of spreads)
    for (const partitions of [2, 7, 16, 64])
      it(`spreads ${what} well over ${partitions}`, () => {
        const count = 500 * partitions;
        const sizes = new Array<number>(partitions).fill(0);
        for (let n = 0; n < count; n++) sizes[partitionOf(make(n), partitions)]! += 1;
        // Chance alone gives a standard deviation of 22 here; six of them is no chance.
        for (const size of sizes) assert.ok(Math.abs(size - 500) < 134, `${sizes}`);
      });
});

describe("A topology", () => {
  it("has a queue per partition of an actor and one per worker, bound to what they receive", () => {
    const queues = queuesOf(topologyOf([busContract]));
    assert.deepEqual(
      queues.map((it) => it.name),
      [
        ...Array.from({ length: PARTITIONS }, (_, p) => `bustestcounter.${p}`),
        "bustest.jobs",
        "bustest.ears",
      ],
    );
    assert.deepEqual(queues[2], {
      name: "bustestcounter.2",
      bindings: ["bustest.poke.2", "bustest.heard.2"],
      singleActiveConsumer: true,
    });
    assert.deepEqual(queues.at(-1), {
      name: "bustest.ears",
      bindings: ["bustest.heard.*"],
      singleActiveConsumer: false,
    });
  });

  it("has 16 partitions for an actor that does not say", () => {
    const { mailboxes } = topologyOf([contract({ actors: { thing: { receives: ["thing.do"] } } })]);
    assert.equal(mailboxes[0]?.partitions, 16);
  });

  it("refuses a type whose receivers have different partition counts", () => {
    const actors = {
      one: { receives: ["thing.do"], partitions: 4 },
      two: { receives: ["thing.do"], partitions: 8 },
    };
    assert.throws(() => topologyOf([contract({ actors })]), /thing\.do .* one \(4\) and two \(8\)/);
  });

  it("refuses two queues of one name", () => {
    const actors = { thing: { receives: [] } };
    assert.throws(
      () => topologyOf([contract({ actors }), contract({ service: "other", actors })]),
      /two queues would be named thing/,
    );
  });

  it("refuses a senseless number of partitions", () => {
    for (const partitions of [0, -1, 1.5])
      assert.throws(() => topologyOf([contract({ actors: { thing: { receives: [], partitions } } })]));
  });

  it("merges with itself to itself", () => {
    const topology = topologyOf([busContract]);
    assert.deepEqual(mergeTopologies(topology, topology), topology);
  });
});

describe("Routes", () => {
  it("lead to the partition that the receiver has, for types that somebody receives", () => {
    const routes = new Routes();
    for (const subject of ["a", "b", "c"])
      assert.equal(routes.partition({ type: "bustest.poke", subject }), partitionOf(subject, PARTITIONS));
    assert.equal(routes.partition({ type: "bustest.unheard", subject: "a" }), undefined);
    assert.notEqual(routes.partition({ type: "bustest.work", subject: "a" }), undefined);
  });

  it("let an event go that nobody receives, and a command only to a receiver", () => {
    const routes = new Routes();
    const to = (type: string) => routes.route({ type, subject: "a" });
    const partition = partitionOf("a", PARTITIONS);
    assert.deepEqual(to("bustest.heard"), { partition, mandatory: true, isEvent: true });
    assert.deepEqual(to("bustest.poke"), { partition, mandatory: true, isEvent: false });
    assert.deepEqual(to("bustest.toil"), { ...to("bustest.work"), mandatory: true, isEvent: false });
    assert.deepEqual(to("bustest.unheard"), {
      partition: partitionOf("a", 16),
      mandatory: false,
      isEvent: true,
    });
    assert.throws(() => to("bustest.done"), UnroutableError);
    assert.throws(() => to("bustest.alarm"), TypeError);
    assert.throws(() => to("bustest.nonsense"), /no loaded contract/);
  });

  it("follow what is declared later", () => {
    const routes = new Routes();
    assert.equal(routes.partition({ type: "later.do", subject: "a" }), undefined);
    routes.add({
      mailboxes: [{ actor: "later", partitions: 3, receives: ["later.do"] }],
      workers: [],
      taps: [],
    });
    assert.equal(routes.partition({ type: "later.do", subject: "a" }), partitionOf("a", 3));
  });
});
