/** The behaviour of every bus adapter, as mocha tests. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bus, BusUnavailableError, type Delivery, UnroutableError } from "../../../broker/bus/bus.ts";
import { partitionOf, topologyOf } from "../../../broker/bus/topology.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { busContract, ears, jobs, mailbox, PARTITIONS, testMessage } from "./bus-contract.ts";

/** A dead message, as the adapter's dead queue shows it. */
export interface Buried {
  id: string;
  errorName: string;
  errorMessage: string;
  errorStack: string;
  errorCode: string | undefined;
  attempts: number;
}

/** One broker for one test. */
export interface BusHarness {
  /** Messages acked just before a consumer leaves may come again: RabbitMQ drops acks that it has not applied. */
  repeatsAtHandOver: boolean;
  /** Another node on the broker, where the adapter has such; else the same bus. */
  node(): Promise<Bus>;
  /** @param queue without prefix, e.g. `bustest.jobs` */
  buried(queue: string): Promise<Buried[]>;
  /** Closes the nodes and removes all that is on the broker. */
  close(): Promise<void>;
}

const numberOf = (message: Envelope): number => (message.data as { n: number }).n;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const noDrain = async () => undefined;

/** A subject in the partition. */
export const subjectIn = (partition: number, from = 0): string => {
  for (let i = from; ; i++) if (partitionOf(`subject-${i}`, PARTITIONS) === partition) return `subject-${i}`;
};

/** Collects deliveries without settling them. */
export function collector() {
  const deliveries: Delivery[] = [];
  const lost: number[] = [];
  return {
    deliveries,
    lost,
    numbers: () => deliveries.map((it) => numberOf(it.message)),
    handlers: {
      onDelivery: (delivery: Delivery) => void deliveries.push(delivery),
      onLost: (partition: number) => void lost.push(partition),
    },
  };
}

/** Acks at once and notes the numbers by partition. */
export function counter() {
  const byPartition = new Map<number, number[]>();
  const lost: number[] = [];
  return {
    byPartition,
    lost,
    in: (partition: number) => byPartition.get(partition) ?? [],
    get total() {
      return [...byPartition.values()].reduce((sum, it) => sum + it.length, 0);
    },
    handlers: {
      onDelivery(delivery: Delivery) {
        const numbers = byPartition.get(delivery.partition) ?? [];
        numbers.push(numberOf(delivery.message));
        byPartition.set(delivery.partition, numbers);
        delivery.ack();
      },
      onLost: (partition: number) => void lost.push(partition),
    },
  };
}

/** Declares the tests. @param create a fresh broker, free of others' messages */
export function busConformance(create: () => Promise<BusHarness>): void {
  describe("as every bus", () => {
    let harness: BusHarness;
    let bus: Bus;
    /** Publications that the test does not await: on the local bus they resolve when handled. */
    let background: Promise<unknown>[];

    beforeEach(async () => {
      harness = await create();
      bus = await harness.node();
      background = [];
      await bus.declare(topologyOf([busContract]));
    });

    afterEach(async () => {
      await harness.close();
      await Promise.allSettled(background);
    });

    const poke = (subject: string, n: number) => {
      const sent = bus.publish(testMessage("bustest.poke", subject, { n }));
      background.push(sent.catch(() => undefined));
      return sent;
    };
    /** Not in one pass of the event loop. Messages sent together may be delivered, and settled, together. */
    const pokeApart = async (subject: string, numbers: readonly number[]) => {
      for (const n of numbers) {
        void poke(subject, n);
        await nextTurn();
      }
    };
    const order = (n: number) => {
      const sent = bus.publish(testMessage("bustest.work", `job-${n}`, { n }));
      background.push(sent.catch(() => undefined));
      return sent;
    };

    it("delivers each message once, and those of one partition in the order of the calls", async () => {
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const expected = new Map<number, number[]>();
      for (const n of upTo(2_000)) {
        const subject = `subject-${n % 37}`;
        const partition = partitionOf(subject, PARTITIONS);
        expected.set(partition, [...(expected.get(partition) ?? []), n]);
        void poke(subject, n);
      }
      await Promise.all(background);
      await eventually("all delivered", () => got.total >= 2_000);
      for (const [partition, numbers] of expected) assert.deepEqual(got.in(partition), numbers);
      assert.equal(bus.stats.redelivered, 0);
      assert.equal(bus.stats.published, 2_000);
      assert.equal(bus.stats.confirmed, 2_000);
    });

    it("keeps messages for a consumer that comes later", async () => {
      for (const n of upTo(20)) void poke(subjectIn(1), n);
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      await eventually("all delivered", () => got.total === 20);
      assert.deepEqual(got.in(1), upTo(20));
    });

    it("brings an event to every subscriber, and needs none", async () => {
      const got = counter();
      const heard: number[] = [];
      await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.consumeWorker(ears, async (message) => void heard.push(numberOf(message)));
      await bus.publish(testMessage("bustest.heard", "somebody", { n: 7 }));
      await eventually("both heard", () => got.total === 1 && heard.length === 1);
      await bus.publish(testMessage("bustest.unheard", "somebody", { n: 8 }));
      const { published, confirmed, returned } = bus.stats;
      assert.deepEqual({ published, confirmed, returned }, { published: 2, confirmed: 2, returned: 0 });
    });

    it("brings what was sent under a former name, with a field that had another, under the present ones", async () => {
      const heard: unknown[] = [];
      await bus.consumeWorker(jobs, async ({ type, data }) => void heard.push([type, data]));
      await bus.publish(testMessage("bustest.toil", "somebody", { count: 7 }));
      await eventually("heard", () => heard.length === 1);
      assert.deepEqual(heard, [["bustest.work", { n: 7 }]]);
    });

    it("refuses a command or reply that nobody receives", async () => {
      await assert.rejects(bus.publish(testMessage("bustest.done", "somebody", { n: 1 })), UnroutableError);
    });

    it("refuses a timer: it is its actor's own", async () => {
      await assert.rejects(bus.publish(testMessage("bustest.alarm", "somebody", {})), TypeError);
    });

    it("refuses a message of a type that no contract declares", async () => {
      await assert.rejects(bus.publish(testMessage("bustest.nonsense", "somebody", {})), /nonsense/);
    });

    it("shares a worker's messages among its consumers, each message once", async () => {
      const taken: number[][] = [[], []];
      for (const mine of taken)
        await (await harness.node()).consumeWorker(
          jobs,
          async (message) => {
            mine.push(numberOf(message));
            await nextTurn();
          },
          { prefetch: 5 },
        );
      for (const n of upTo(200)) void order(n);
      await eventually("all done", () => taken.flat().length >= 200);
      assert.deepEqual(
        taken.flat().sort((a, b) => a - b),
        upTo(200),
      );
      for (const mine of taken) assert.ok(mine.length > 20, `one consumer got only ${mine.length}`);
    });

    it("hands over no more than the prefetch, and goes on as messages are settled in any order", async () => {
      const got = collector();
      await bus.consumeMailboxes(mailbox, got.handlers, { prefetch: 5 });
      await pokeApart(subjectIn(2), upTo(8));
      await eventually("the first five", () => got.deliveries.length === 5);
      got.deliveries[3]!.ack();
      await eventually("a sixth", () => got.deliveries.length === 6);
      for (const it of [...got.deliveries].reverse()) it.ack();
      await eventually("the rest", () => got.deliveries.length === 8);
      assert.deepEqual(got.numbers(), upTo(8));
    });

    it("bounds the handlers that a worker runs at once", async () => {
      const gate = Promise.withResolvers<void>();
      let running = 0;
      let most = 0;
      let done = 0;
      await bus.consumeWorker(
        jobs,
        async () => {
          most = Math.max(most, ++running);
          await gate.promise;
          await nextTurn();
          running--;
          done++;
        },
        { prefetch: 3 },
      );
      for (const n of upTo(50)) void order(n);
      await eventually("as many as may run do", () => running === 3);
      gate.resolve();
      await eventually("all done", () => done === 50);
      assert.equal(most, 3);
    });

    it("redelivers in order what a consumer left unsettled, and marks it", async () => {
      const first = collector();
      const consumption = await bus.consumeMailboxes(mailbox, first.handlers);
      await pokeApart(subjectIn(0), upTo(10));
      await eventually("all delivered", () => first.deliveries.length === 10);
      for (const n of [0, 1, 4]) first.deliveries[n]!.ack();
      assert.deepEqual([...consumption.held], [0]);
      await consumption.stop(noDrain);
      assert.deepEqual(first.lost, [0]);
      assert.deepEqual([...consumption.held], []);

      const second = collector();
      await bus.consumeMailboxes(mailbox, second.handlers);
      await eventually("the rest again", () => second.deliveries.length >= 7);
      assert.deepEqual(second.numbers(), [2, 3, 5, 6, 7, 8, 9]);
      assert.ok(second.deliveries.every((it) => it.redelivered));
      for (const it of second.deliveries) it.ack();
    });

    it("ignores a settlement that comes twice or after the consumer has gone", async () => {
      const first = collector();
      const consumption = await bus.consumeMailboxes(mailbox, first.handlers);
      await pokeApart(subjectIn(0), [1, 2]);
      await eventually("both delivered", () => first.deliveries.length === 2);
      const [one, two] = first.deliveries as [Delivery, Delivery];
      one.ack();
      one.ack();
      await one.dead(new Error("too late"), 5);
      await consumption.stop(noDrain);
      two.ack();

      const second = collector();
      await bus.consumeMailboxes(mailbox, second.handlers);
      await eventually("the unsettled one again", () => second.deliveries.length === 1);
      assert.deepEqual(second.numbers(), [2]);
      second.deliveries[0]!.ack();
      assert.deepEqual(await harness.buried("bustestcounter.0"), []);
    });

    it("buries what a mailbox gives up, with the error, and goes on", async () => {
      const got = collector();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const subject = subjectIn(3);
      const poison = testMessage("bustest.poke", subject, { n: 1 });
      void poke(subject, 0);
      background.push(bus.publish(poison));
      void poke(subject, 2);
      await eventually("all delivered", () => got.deliveries.length === 3);
      await got.deliveries[1]!.dead(Object.assign(new RangeError("out of it"), { code: "E_OUT" }), 5);
      got.deliveries[0]!.ack();
      got.deliveries[2]!.ack();
      await Promise.all(background);
      const [buried, ...others] = await harness.buried("bustestcounter.3");
      assert.equal(others.length, 0);
      assert.equal(buried?.id, poison.id);
      assert.equal(buried.errorName, "RangeError");
      assert.equal(buried.errorMessage, "out of it");
      assert.equal(buried.errorCode, "E_OUT");
      assert.match(buried.errorStack, /bus-conformance/);
      assert.equal(buried.attempts, 5);
      assert.equal(bus.stats.dead, 1);
    });

    it("buries a message that does not fit its contract without handing it over", async () => {
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const misfit = testMessage("bustest.poke", subjectIn(1), { n: "one" });
      background.push(bus.publish(misfit));
      void poke(subjectIn(1), 2);
      await eventually("the neighbour", () => got.total === 1);
      const [buried] = await eventually("buried", async () => {
        const found = await harness.buried("bustestcounter.1");
        return found.length > 0 && found;
      });
      assert.equal(buried?.id, misfit.id);
      assert.equal(buried.errorName, "ZodError");
      assert.deepEqual(got.in(1), [2]);
    });

    it("survives a mailbox handler that breaks its promise not to throw", async () => {
      const got = counter();
      await bus.consumeMailboxes(mailbox, {
        onLost: got.handlers.onLost,
        onDelivery(delivery) {
          if (numberOf(delivery.message) === 0) throw new Error("broken handler");
          got.handlers.onDelivery(delivery);
        },
      });
      void poke(subjectIn(0), 0);
      void poke(subjectIn(0), 1);
      await eventually("the neighbour", () => got.total === 1);
      await eventually("buried", async () => (await harness.buried("bustestcounter.0")).length === 1);
      assert.deepEqual(got.lost, []);
    });

    it("buries a worker's message after five failures of its own, while its neighbours go on", async () => {
      const tries = new Map<number, number>();
      const done: number[] = [];
      await bus.consumeWorker(
        jobs,
        async (message) => {
          const n = numberOf(message);
          tries.set(n, (tries.get(n) ?? 0) + 1);
          if (n === 1) throw new TypeError("one is poison");
          done.push(n);
        },
        { prefetch: 2 },
      );
      for (const n of upTo(6)) void order(n);
      await eventually("the neighbours", () => done.length === 5);
      assert.ok((tries.get(1) ?? 0) < 5, "the neighbours did not wait for the poison");
      const [buried] = await eventually("buried", async () => {
        const found = await harness.buried("bustest.jobs");
        return found.length > 0 && found;
      });
      assert.equal(tries.get(1), 5);
      assert.equal(buried?.attempts, 5);
      assert.equal(buried.errorName, "TypeError");
      assert.deepEqual(
        [...tries].filter(([n]) => n !== 1).map(([, count]) => count),
        [1, 1, 1, 1, 1],
      );
    });

    it("tries again beyond five times when the cause passes", async () => {
      let failures = 0;
      let done = false;
      await bus.consumeWorker(jobs, async () => {
        if (failures < 5) {
          failures++;
          throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        }
        done = true;
      });
      void order(1);
      await eventually("done at last", () => done);
      assert.equal(failures, 5);
      assert.deepEqual(await harness.buried("bustest.jobs"), []);
    });

    it("hands a partition over and takes it back in order", async () => {
      const got: { n: number; redelivered: boolean }[] = [];
      const open = new Set<Delivery>();
      const consumption = await bus.consumeMailboxes(
        mailbox,
        {
          onDelivery(delivery) {
            got.push({ n: numberOf(delivery.message), redelivered: delivery.redelivered });
            open.add(delivery);
            setImmediate(() => {
              delivery.ack();
              open.delete(delivery);
            });
          },
          onLost: () => assert.fail("nothing was lost"),
        },
        { prefetch: 20 },
      );
      for (const n of upTo(600)) void poke(subjectIn(2), n);
      for (const at of [50, 200, 400]) {
        await eventually(`${at} delivered`, () => got.length >= at);
        await consumption.handOver(2, async () => {
          while (open.size > 0) await nextTurn();
        });
      }
      await eventually("all delivered", () => got.at(-1)?.n === 599);
      assertInOrder(got, 600);
    });

    it("lets one consumer of a mailbox be active, and the other go on where it stopped", async () => {
      const first = counter();
      const second = collector();
      const active = await bus.consumeMailboxes(mailbox, first.handlers);
      await (await harness.node()).consumeMailboxes(mailbox, second.handlers);
      for (const n of upTo(50)) void poke(subjectIn(1), n);
      await eventually("the first half", () => first.total === 50);
      assert.equal(second.deliveries.length, 0);
      await active.stop(noDrain);
      for (const n of upTo(100).slice(50)) void poke(subjectIn(1), n);
      await eventually("the second half", () => second.numbers().at(-1) === 99);
      assert.deepEqual(first.in(1), upTo(50));
      const seconds = second.deliveries.map((it) => ({
        n: numberOf(it.message),
        redelivered: it.redelivered,
      }));
      assertInOrder([...upTo(50).map((n) => ({ n, redelivered: false })), ...seconds], 100);
      for (const it of second.deliveries) it.ack();
    });

    /** 0 to `count - 1` in order; repeats only where the harness allows, in order too, and marked as redelivered. */
    function assertInOrder(got: readonly { n: number; redelivered: boolean }[], count: number): void {
      const seen = new Set<number>();
      for (const [at, { n, redelivered }] of got.entries()) {
        if (seen.has(n)) {
          assert.ok(harness.repeatsAtHandOver, `${n} came twice`);
          assert.ok(redelivered, `${n} came again without a mark`);
        } else assert.equal(n, seen.size, "in order");
        const before = got[at - 1];
        if (before && n !== before.n + 1) assert.ok(seen.has(n), `${n} came after ${before.n}`);
        seen.add(n);
      }
      assert.equal(seen.size, count);
    }

    it("gives a worker's message back when it is stopped between two tries", async () => {
      let failures = 0;
      const done: number[] = [];
      const first = await bus.consumeWorker(jobs, async () => {
        failures++;
        throw Object.assign(new Error("away"), { code: "ECONNREFUSED" });
      });
      void order(1);
      await eventually("a failure", () => failures > 0);
      await first.stop(noDrain);
      await bus.consumeWorker(jobs, async (message) => void done.push(numberOf(message)));
      await eventually("done elsewhere", () => done.length === 1);
    });

    it("waits for running handlers when it closes, and refuses messages from then on", async () => {
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      let finished = false;
      await bus.consumeWorker(jobs, async () => {
        started.resolve();
        await finish.promise;
        finished = true;
      });
      const sent = order(1);
      await started.promise;
      const closed = bus.close();
      finish.resolve();
      await closed;
      assert.equal(finished, true);
      await sent;
      assert.equal(bus.state, "closed");
      await assert.rejects(bus.publish(testMessage("bustest.work", "late", { n: 2 })), BusUnavailableError);
      assert.deepEqual(await harness.buried("bustest.jobs"), []);
    });
  });
}
