import assert from "node:assert/strict";
import fc from "fast-check";
import type { ActorDocument, ActorStats } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { ActorStore } from "../../../broker/actor/runtime/document/actor-store.ts";
import type { Outcome } from "../../../broker/actor/runtime/document/fold.ts";
import { InboxArchive } from "../../../broker/actor/runtime/document/inbox-archive.ts";
import { Processor } from "../../../broker/actor/runtime/mailboxes/processor.ts";
import type { Job } from "../../../broker/actor/runtime/mailboxes/queues.ts";
import { defaultTuning } from "../../../broker/actor/runtime/tuning.ts";
import { seeded } from "../../../broker/actor/testing/seeded.ts";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { derivedId } from "../../../broker/contract/ids.ts";
import { SimStore } from "./support/sim-store.ts";
import { type StockMessages, type StockState, toyStock } from "./support/toy.ts";

const SENDERS = 4;

interface World {
  store: SimStore;
  archive: SimStore;
}

/** One node's processor of stock; both share a database. */
function node(world: World, name: string) {
  let commits = 0;
  return new Processor<StockState, StockMessages>({
    definition: toyStock,
    store: new ActorStore(world.store.collection(), toyStock.maps),
    archive: new InboxArchive(world.archive.collection(), 1_000),
    stats: { commits: 0, conflicts: 0, applied: 0, repeated: 0, refused: 0 } as ActorStats,
    tuning: { ...defaultTuning, inboxSenders: SENDERS },
    crashPoints: undefined,
    foldOptions: (id) => ({
      definition: toyStock,
      id,
      at: Date.now(),
      by: name,
      commit: `${name}:${commits++}`,
      strict: true,
      answerId: (message, index) => derivedId(message.id, index),
    }),
    onCommit: () => undefined,
  });
}

function job(message: Envelope, settled?: (outcome: Outcome) => void): Job {
  return { message, partition: 0, mailed: true, isWanted: () => true, settle: (it) => settled?.(it) };
}

/** One unit more, from a sender whose clock may be wrong. */
const adjust = (sender: number, sequence: number, skewMs = 0): Envelope => ({
  ...envelope("toy.adjust", "sku", { delta: 1 }, { source: "/toy", at: 1_000_000 + sequence * 10 + skewMs }),
  sender: `toyorder/${sender}`,
  sequence,
});

async function stocked(world: World): Promise<void> {
  const create = envelope("toy.create", "sku", { onHand: 0 }, { source: "/toy", at: 0 });
  await node(world, "first").work("sku", [job(create)]);
}

const stock = (world: World) => world.store.get<ActorDocument<StockState>>("sku");

describe("An inbox with more senders than a document should hold", () => {
  it("applies each message once, with two nodes, wrong clocks, repeats in any order and a database that fails", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 12 }), async (seed, most) => {
        const random = seeded(seed);
        const pick = (below: number) => Math.floor(random() * below);
        const fail = () => (random() < 0.1 ? (random() < 0.5 ? "before" : "after") : undefined);
        const world = { store: new SimStore({ fail }), archive: new SimStore({ fail }) };
        const skew = Array.from({ length: 30 }, () => pick(3) * 200 - 200);
        const messages = Array.from({ length: 80 }, (_, n) => {
          const sender = pick(30);
          return adjust(sender, n, skew[sender]);
        });
        const arrivals = [...messages, ...messages, ...messages.slice(0, 20)].sort(() => random() - 0.5);
        const settle = async (work: () => Promise<void>): Promise<void> => {
          for (let tries = 0; tries < 50; tries++)
            if (
              await work().then(
                () => true,
                () => false,
              )
            )
              return;
          assert.fail("the database never came back");
        };
        await settle(() => stocked(world).then(() => assert.ok(stock(world))));
        const nodes = [node(world, "one"), node(world, "two")];
        while (arrivals.length > 0) {
          const batch = arrivals.splice(0, 1 + pick(most));
          await settle(() =>
            nodes[pick(2)]!.work(
              "sku",
              batch.map((it) => job(it)),
            ),
          );
        }
        assert.equal(stock(world)?.state.onHand, messages.length);
        const kept = Object.keys(stock(world)?.inbox ?? {}).length;
        assert.ok(kept <= SENDERS + most, `${kept} senders are in the document`);
      }),
      { numRuns: 60 },
    );
  });

  it("asks the archive only for messages that it may know", async () => {
    const world = { store: new SimStore(), archive: new SimStore() };
    await stocked(world);
    const processor = node(world, "one");
    for (let n = 1; n <= 40; n++) await processor.work("sku", [job(adjust(n, n))]);
    assert.equal(world.archive.counts.finds, 0);
    assert.ok(world.archive.documents.size >= 40 / SENDERS);
    const outcomes: string[] = [];
    await node(world, "two").work("sku", [job(adjust(1, 1), (it) => outcomes.push(it.kind))]);
    assert.deepEqual(outcomes, ["repeated"]);
    assert.equal(world.archive.counts.finds, 1);
    assert.equal(stock(world)?.state.onHand, 40);
  });

  it("counts as applied only what has been committed, whatever becomes of the commit that archives", async () => {
    let failing = false;
    const world = {
      store: new SimStore({ fail: () => (failing ? "before" : undefined) }),
      archive: new SimStore(),
    };
    await stocked(world);
    const processor = node(world, "one");
    for (let n = 1; n <= SENDERS; n++) await processor.work("sku", [job(adjust(n, n))]);
    failing = true;
    const late = adjust(99, 99, -900);
    await assert.rejects(processor.work("sku", [job(late)]));
    failing = false;
    assert.ok(world.archive.documents.size > 0, "something has been archived");
    await processor.work("sku", [job(late)]);
    assert.equal(stock(world)?.state.onHand, SENDERS + 1);
  });
});
