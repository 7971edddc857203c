import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bus, BusUnavailableError, UnroutableError } from "../../../broker/bus/bus.ts";
import type { DeadLetterStore } from "../../../broker/bus/local/dead-letters.ts";
import { createLocalBus } from "../../../broker/bus/local/local-bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { busConformance, collector, counter, subjectIn } from "../../support/bus/bus-conformance.ts";
import { busContract, ears, jobs, mailbox, testMessage } from "../../support/bus/bus-contract.ts";
import { memoryDeadLetters } from "../../support/bus/memory-dead-letters.ts";
import { tapConformance } from "../../support/bus/tap-conformance.ts";
import { quietLog } from "../../support/quiet-log.ts";

describe("The local bus", () => {
  busConformance(async () => {
    const deadLetters = memoryDeadLetters();
    const bus = createLocalBus({ deadLetters, log: quietLog() });
    return {
      repeatsAtHandOver: false,
      node: async () => bus,
      close: () => bus.close(),
      async buried(queue) {
        const letters = await deadLetters.list(queue, 1_000);
        return letters.map(({ message, error, attempts }) => ({
          id: message.id,
          errorName: error.name,
          errorMessage: error.message,
          errorStack: error.stack ?? "",
          errorCode: error.code,
          attempts,
        }));
      },
    };
  });

  tapConformance(async () => {
    const bus = createLocalBus({ deadLetters: memoryDeadLetters(), log: quietLog() });
    return {
      repeatsAtHandOver: false,
      node: async () => bus,
      buried: async () => [],
      close: () => bus.close(),
    };
  });

  describe("in one process", () => {
    let deadLetters: DeadLetterStore;
    let bus: Bus;

    beforeEach(async () => {
      deadLetters = memoryDeadLetters();
      bus = createLocalBus({ deadLetters, log: quietLog() });
      await bus.declare(topologyOf([busContract]));
    });
    afterEach(() => bus.close());

    it("counts a message as published only when every subscriber has settled it", async () => {
      const got = collector();
      const heard = Promise.withResolvers<void>();
      await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.consumeWorker(ears, () => heard.promise);
      let published = false;
      const sent = bus.publish(testMessage("bustest.heard", "x", { n: 1 })).then(() => {
        published = true;
      });
      await eventually("delivered", () => got.deliveries.length === 1);
      got.deliveries[0]!.ack();
      await nextTurn();
      assert.equal(published, false);
      heard.resolve();
      await sent;
    });

    it("counts a buried message as published", async () => {
      const got = collector();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const sent = bus.publish(testMessage("bustest.poke", "x", { n: 1 }));
      await eventually("delivered", () => got.deliveries.length === 1);
      await got.deliveries[0]!.dead(new Error("no"), 5);
      await sent;
    });

    it("shares no data between publisher and subscribers", async () => {
      const got = collector();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const seen: unknown[] = [];
      await bus.consumeWorker(ears, async (message) => {
        seen.push({ ...(message.data as object) });
        (message.data as { n: number }).n = 99;
      });
      const message = testMessage("bustest.heard", "x", { n: 1 });
      void bus.publish(message);
      (message.data as { n: number }).n = 50;
      await eventually("both delivered", () => got.deliveries.length === 1 && seen.length === 1);
      assert.deepEqual(seen, [{ n: 1 }]);
      assert.deepEqual(got.deliveries[0]?.message.data, { n: 1 });
      got.deliveries[0]?.ack();
    });

    it("rejects what is under way when it closes, so that it stays in the outbox", async () => {
      const got = collector();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const sent = bus.publish(testMessage("bustest.poke", "x", { n: 1 }));
      const unsent = assert.rejects(sent, BusUnavailableError);
      await eventually("delivered", () => got.deliveries.length === 1);
      await bus.close();
      await unsent;
      assert.equal(got.lost.length, 1);
    });

    it("stops without a worker whose answer nobody takes any more, and delivers its message again", async () => {
      const bus = createLocalBus({ deadLetters, log: quietLog(), drainMs: 20 });
      await bus.declare(topologyOf([busContract]));
      const listening = await bus.consumeWorker(ears, () => assert.fail("it has stopped"));
      await listening.stop(async () => undefined);
      let runs = 0;
      const working = await bus.consumeWorker(jobs, async () => {
        runs++;
        await bus.publish(testMessage("bustest.heard", "x", { n: 1 }));
      });
      const sent = bus.publish(testMessage("bustest.work", "y", { n: 1 }));
      await eventually("it is being worked on", () => runs === 1);
      await working.stop(async () => undefined);
      await bus.consumeWorker(jobs, async () => void runs++);
      await sent;
      assert.equal(runs, 2);
      await bus.close();
    });

    it("refuses a message whose queues are not declared here", async () => {
      const bare = createLocalBus({ deadLetters, log: quietLog() });
      await assert.rejects(bare.publish(testMessage("bustest.work", "x", { n: 1 })), UnroutableError);
      assert.equal(bare.stats.returned, 1);
      await bare.close();
    });

    it("keeps trying to bury while the store is away, and loses nothing", async () => {
      let failures = 2;
      const flaky: DeadLetterStore = {
        ...deadLetters,
        add: (letter) => (failures-- > 0 ? Promise.reject(new Error("store away")) : deadLetters.add(letter)),
      };
      const log = quietLog();
      const local = createLocalBus({ deadLetters: flaky, log });
      await local.consumeMailboxes(mailbox, {
        onDelivery: (delivery) => void delivery.dead(new Error("no"), 5),
        onLost: () => undefined,
      });
      await local.publish(testMessage("bustest.poke", subjectIn(0), { n: 1 }));
      assert.equal((await deadLetters.list("bustestcounter.0", 10)).length, 1);
      assert.ok(log.lines.some((it) => it.level === "warn" && /dead letters do not take/.test(it.message)));
      await local.close();
    });

    it("replays dead letters to their queue alone, under their own id, and drops them when handled", async () => {
      let broken = true;
      const ids: string[] = [];
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.consumeWorker(ears, async (message) => {
        if (broken) throw new Error("broken");
        ids.push(message.id);
      });
      const message = testMessage("bustest.heard", "x", { n: 1 });
      await bus.publish(message);
      assert.deepEqual(await deadLetters.queues(), [{ queue: "bustest.ears", count: 1 }]);
      broken = false;
      assert.equal(await deadLetters.requestReplay("bustest.ears", [message.id]), 1);
      await eventually("replayed", () => ids.length === 1);
      await eventually("dropped", async () => (await deadLetters.queues()).length === 0);
      assert.deepEqual(ids, [message.id]);
      assert.equal(got.total, 1, "the other subscriber did not get it again");
    });

    it("keeps a replayed letter that fails again", async () => {
      let runs = 0;
      await bus.consumeWorker(jobs, async () => {
        runs++;
        throw new Error(`broken ${runs}`);
      });
      await bus.publish(testMessage("bustest.work", "x", { n: 1 }));
      await deadLetters.requestReplay("bustest.jobs");
      await eventually("buried again", async () => {
        const [letter] = await deadLetters.list("bustest.jobs", 10);
        return letter?.error.message === "broken 10";
      });
      assert.deepEqual(await deadLetters.requested(10), []);
    });
  });
});
