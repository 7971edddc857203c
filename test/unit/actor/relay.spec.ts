import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import type { ActorStats, OutboxEntry } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { Relay, type RelayOptions } from "../../../broker/actor/runtime/outbox/relay.ts";
import { defaultTuning } from "../../../broker/actor/runtime/tuning.ts";
import { seeded } from "../../../broker/actor/testing/seeded.ts";
import { BusUnavailableError, UnroutableError } from "../../../broker/bus/bus.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

const NOW = 1_000_000;
const newStats = () => ({ published: 0, republished: 0, unroutable: 0 }) as ActorStats;

const entry = (n: number, subject: string, at = NOW, by = "me"): OutboxEntry => ({
  id: `m${n}`,
  at,
  by,
  message: { id: `m${n}`, subject, type: "toy.reserve", sequence: n } as Envelope,
});

/** A relay on a bus that the test answers for. */
function relayOn(publish: (message: Envelope) => Promise<void>, options: Partial<RelayOptions> = {}) {
  const pulled: string[][] = [];
  const troubles: string[] = [];
  const stats = newStats();
  const relay = new Relay({
    bus: { publish, record: publish },
    clock: { now: () => NOW },
    by: "me",
    tuning: { ...defaultTuning, pullAfterMs: 4 },
    stats,
    crashPoints: undefined,
    pull: async (pulls) => {
      for (const { actor, entries } of pulls) {
        pulled.push([...entries]);
        relay.left(actor, entries);
      }
    },
    isBusy: () => false,
    onRoom: () => undefined,
    onTrouble: (what) => troubles.push(what),
    ...options,
  });
  return { relay, pulled, troubles, stats };
}

describe("The relay", () => {
  it("delivers each receiver's messages in order, also when some publishes fail and the outbox is offered again", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 5 }), async (seed, window) => {
        const random = seeded(seed);
        const arrived: OutboxEntry["message"][] = [];
        let failures = 4;
        // As a bus does: when the connection breaks, everything in flight to one queue fails together, in order.
        let lane: Promise<unknown> = Promise.resolve();
        const publish = (message: Envelope) => {
          const sent = lane.then(async () => {
            await nextTurn();
            if (failures > 0 && random() < 0.15) {
              failures--;
              throw new BusUnavailableError("away");
            }
            arrived.push(message);
          });
          lane = sent.then(
            () => undefined,
            (error) => {
              lane = Promise.resolve();
              throw error;
            },
          );
          lane.catch(() => undefined);
          return sent;
        };
        const { relay } = relayOn(publish, { tuning: { ...defaultTuning, window, pullAfterMs: 4 } });
        const outbox: OutboxEntry[] = [];
        for (let n = 1; n <= 20; n++) {
          outbox.push(entry(n, random() < 0.5 ? "x" : "y"));
          relay.offer("a", outbox, false);
          if (random() < 0.3) await nextTurn();
        }
        await eventually("all have arrived", () => new Set(arrived.map((it) => it.id)).size === 20);
        for (const subject of ["x", "y"]) {
          const first = [...new Set(arrived.filter((it) => it.subject === subject).map((it) => it.sequence))];
          const expected = outbox
            .filter((it) => it.message.subject === subject)
            .map((it) => it.message.sequence);
          assert.deepEqual(first, expected);
        }
        relay.close();
      }),
      { numRuns: 6 },
    );
  });

  it("publishes nothing twice that it has under way or confirmed", async () => {
    const seen: string[] = [];
    const open: (() => void)[] = [];
    const { relay } = relayOn((it) => {
      seen.push(it.id);
      return new Promise((resolve) => open.push(resolve));
    });
    const outbox = [entry(1, "x"), entry(2, "y")];
    relay.offer("a", outbox, false);
    relay.offer("a", outbox, true);
    open[0]?.();
    await nextTurn();
    relay.offer("a", [...outbox, entry(3, "x")], false);
    assert.deepEqual(seen, ["m1", "m2", "m3"]);
    assert.deepEqual([...relay.confirmed("a")], ["m1"]);
    relay.close();
  });

  it("leaves another node's young messages to it, unless a newer one of its own goes to the same receiver", () => {
    const young = NOW - 1_000;
    const old = NOW - 3_000;
    const sent = (outbox: OutboxEntry[]) => {
      const seen: string[] = [];
      const { relay } = relayOn((it) => {
        seen.push(it.id);
        return new Promise(() => undefined);
      });
      relay.offer("a", outbox, true);
      relay.close();
      return seen;
    };
    assert.deepEqual(sent([entry(1, "x", young, "other")]), []);
    assert.deepEqual(sent([entry(1, "x", old, "other")]), ["m1"]);
    assert.deepEqual(sent([entry(1, "x", young, "other"), entry(2, "y")]), ["m2"]);
    assert.deepEqual(sent([entry(1, "x", young, "other"), entry(2, "x")]), ["m1", "m2"]);
  });

  it("keeps a message that no queue takes, tells of it and sends those to others meanwhile", async () => {
    let routable = false;
    const seen: string[] = [];
    const { relay, troubles, stats } = relayOn(async (it) => {
      if (it.subject === "x" && !routable) throw new UnroutableError("nobody");
      seen.push(it.id);
    });
    relay.offer("a", [entry(1, "x"), entry(2, "y")], false);
    await eventually("the other is sent", () => seen.includes("m2"));
    relay.offer("a", [entry(1, "x"), entry(2, "y"), entry(3, "x")], false);
    assert.ok(!seen.includes("m3"), "an older one goes first");
    assert.equal(stats.unroutable, 1);
    assert.deepEqual(troubles, ["unroutable"]);
    routable = true;
    await eventually("both are sent", () => seen.includes("m3"));
    assert.deepEqual(seen, ["m2", "m1", "m3"]);
    relay.close();
  });

  it("pulls what is confirmed when the actor is at rest, in one go, and never while it is busy", async () => {
    let busy = true;
    const { relay, pulled } = relayOn(async () => undefined, { isBusy: () => busy });
    relay.offer("a", [entry(1, "x"), entry(2, "y")], false);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(pulled, []);
    busy = false;
    await eventually("they are pulled", () => pulled.length > 0);
    assert.deepEqual(pulled, [["m1", "m2"]]);
    assert.equal(relay.confirmed("a").size, 0);
    relay.close();
  });

  it("pulls those of all actors at rest together, and again when that fails", async () => {
    const calls: string[][] = [];
    const { relay, troubles } = relayOn(async () => undefined, {
      pull: async (pulls) => {
        calls.push(pulls.map((it) => it.actor));
        if (calls.length === 1) throw new Error("the database is away");
        for (const { actor, entries } of pulls) relay.left(actor, entries);
      },
    });
    relay.offer("a", [entry(1, "x")], false);
    relay.offer("b", [entry(2, "y")], false);
    await eventually("they are pulled", () => calls.length > 1);
    assert.deepEqual(calls, [
      ["a", "b"],
      ["a", "b"],
    ]);
    assert.deepEqual(troubles, ["pull"]);
    assert.equal(relay.confirmed("a").size + relay.confirmed("b").size, 0);
    relay.close();
  });

  it("holds no more in memory than it may, and takes the rest when it is reminded", async () => {
    const open: (() => void)[] = [];
    const seen: string[] = [];
    const { relay } = relayOn(
      (it) => {
        seen.push(it.id);
        return new Promise((resolve) => open.push(resolve));
      },
      { tuning: { ...defaultTuning, window: 2, backlog: 3 } },
    );
    const outbox = Array.from({ length: 9 }, (_, n) => entry(n, "x"));
    relay.offer("a", outbox, false);
    assert.equal(seen.length, 2);
    while (open.length > 0) {
      open.shift()?.();
      await nextTurn();
    }
    assert.deepEqual(seen, ["m0", "m1", "m2", "m3", "m4"], "two under way and three held");
    relay.offer("a", outbox, true);
    while (open.length > 0) {
      open.shift()?.();
      await nextTurn();
    }
    assert.deepEqual(
      seen,
      outbox.map((it) => it.id),
    );
    relay.close();
  });
});
