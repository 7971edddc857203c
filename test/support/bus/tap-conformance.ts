/** What every bus adapter does with taps, as mocha tests. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Bus, TAP_BATCH, type Tapped, type TapSpec, UnroutableError } from "../../../broker/bus/bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type BusHarness, counter } from "./bus-conformance.ts";
import { busContract, ears, jobs, mailbox, tapContract, testMessage } from "./bus-contract.ts";

const all = { service: "bustap", tap: "log", receives: "all" } as const;
const events = { ...all, receives: "events" } as const;
const noDrain = async () => undefined;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Declares the tests. @param create as of `busConformance` */
export function tapConformance(create: () => Promise<BusHarness>): void {
  describe("with a tap", () => {
    let harness: BusHarness;
    let bus: Bus;
    let background: Promise<unknown>[];

    beforeEach(async () => {
      harness = await create();
      bus = await harness.node();
      background = [];
    });
    const declare = (TAP?: string) => bus.declare(topologyOf([busContract, tapContract], { TAP }));

    afterEach(async () => {
      await harness.close();
      await Promise.allSettled(background);
    });

    const send = (type: string, n: number) => {
      const message = testMessage(type, "somebody", { n });
      const sent = bus.publish(message);
      background.push(sent.catch(() => undefined));
      return message.id;
    };
    const listening = async (spec: TapSpec = all) => {
      const batches: Tapped[][] = [];
      const consumption = await bus.consumeTap(spec, async (batch) => void batches.push([...batch]));
      return { batches, consumption, ids: () => batches.flat().map((it) => it.message.id) };
    };

    it("gets every message whoever receives it, also before it listens, and their receivers get them too", async () => {
      await declare();
      const got = counter();
      const worked: string[] = [];
      await bus.consumeMailboxes(mailbox, got.handlers);
      await bus.consumeWorker(jobs, async (it) => void worked.push(it.id));
      await bus.consumeWorker(ears, async () => undefined);
      const early = [send("bustest.poke", 1), send("bustest.heard", 2)];
      const tap = await listening();
      const late = [send("bustest.work", 3), send("bustest.unheard", 4)];
      await Promise.all(background);
      await eventually("all copied", () => tap.ids().length === 4);
      assert.deepEqual(new Set(tap.ids()), new Set([...early, ...late]));
      assert.ok(tap.batches.flat().every((it) => !it.applied));
      await eventually("all received", () => got.total === 2 && worked.length === 1);
    });

    it("gets what an actor has applied without a sender, a timer too, and nobody else does", async () => {
      await declare();
      const got = counter();
      await bus.consumeMailboxes(mailbox, got.handlers);
      const tap = await listening();
      assert.equal(bus.recordsApplied, true);
      await bus.record(testMessage("bustest.alarm", "somebody", {}));
      await bus.record(testMessage("bustest.poke", "somebody", { n: 1 }));
      await eventually("both copied", () => tap.ids().length === 2);
      assert.ok(tap.batches.flat().every((it) => it.applied));
      assert.equal(got.total, 0);
    });

    it("does not make a message routable that nobody receives", async () => {
      await declare();
      await listening();
      await assert.rejects(bus.publish(testMessage("bustest.done", "somebody", { n: 1 })), UnroutableError);
    });

    it("hands over one batch at a time, of many messages, and tries a failing one again for ever", async () => {
      await declare();
      const batches: number[] = [];
      let running = 0;
      let failures = 0;
      await bus.consumeTap(all, async (batch) => {
        assert.equal(++running, 1);
        await nextTurn();
        running--;
        if (++failures <= 2) throw new Error("not yet");
        batches.push(batch.length);
      });
      for (const n of upTo(1_200)) send("bustest.unheard", n);
      await Promise.all(background);
      await eventually("all", () => batches.reduce((sum, it) => sum + it, 0) === 1_200);
      assert.ok(batches.length < 100 && Math.max(...batches) <= TAP_BATCH, batches.join(" "));
    });

    it("gives back what it has not handled when it is stopped", async () => {
      await declare();
      const first = await bus.consumeTap(all, () => Promise.reject(new Error("never")));
      const ids = upTo(5).map((n) => send("bustest.unheard", n));
      await nextTurn();
      await first.stop(noDrain);
      const second = await listening();
      await eventually("all again", () => second.ids().length >= 5);
      assert.deepEqual(new Set(second.ids()), new Set(ids));
    });

    it("gets events only where it wants no more", async () => {
      await declare("events");
      const tap = await listening(events);
      await bus.consumeMailboxes(mailbox, counter().handlers);
      assert.equal(bus.recordsApplied, false);
      await bus.record(testMessage("bustest.alarm", "somebody", {}));
      await bus.publish(testMessage("bustest.poke", "somebody", { n: 1 }));
      const event = testMessage("bustest.unheard", "somebody", { n: 2 });
      await bus.publish(event);
      await eventually("the event", () => tap.ids().length > 0);
      assert.deepEqual(tap.ids(), [event.id]);
    });
  });
}
