import assert from "node:assert/strict";
import fc from "fast-check";
import { MongoBulkWriteError, MongoNetworkError } from "mongodb";
import type { ActorDocument, LoadedActor } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { ActorStore } from "../../../broker/actor/runtime/document/actor-store.ts";
import { Inbox } from "../../../broker/actor/runtime/document/inbox.ts";
import { testMessage } from "../../support/bus/bus-contract.ts";
import { standIn } from "../../support/stand-in.ts";
import { SimStore } from "./support/sim-store.ts";

type State = { n: number; big?: unknown };
const document = (id: string, version: number, n: number, commit: string): LoadedActor<State> => ({
  _id: id,
  version,
  state: { n },
  inbox: Inbox.empty,
  outbox: [],
  timers: [],
  sent: 0,
  commit,
});

let names = 0;
const following = (it: LoadedActor<State>, n: number): LoadedActor<State> => ({
  ...it,
  version: it.version + 1,
  state: { n },
  commit: `c${names++}`,
});

describe("Group commit", () => {
  it("sends what waits as one command, and all that took cost nothing more", async () => {
    const sim = new SimStore();
    const store = new ActorStore<State>(sim.collection());
    const first = Array.from({ length: 40 }, (_, i) => document(`a${i}`, 1, 0, `i${i}`));
    assert.deepEqual(
      await Promise.all(first.map((it) => store.commit(null, it))),
      first.map(() => true),
    );
    assert.deepEqual(
      await Promise.all(first.map((it) => store.commit(it, following(it, 1)))),
      first.map(() => true),
    );
    assert.deepEqual(sim.counts, { bulkWrites: 2, finds: 0, operations: 80 });
  });

  it("has one command under way, and sends the next when it is back", async () => {
    const gate = Promise.withResolvers<void>();
    const sim = new SimStore({ delay: () => gate.promise });
    const store = new ActorStore<State>(sim.collection());
    const waiting = [store.commit(null, document("a", 1, 0, "a"))];
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 10; i++) waiting.push(store.commit(null, document(`b${i}`, 1, 0, `b${i}`)));
    gate.resolve();
    await Promise.all(waiting);
    assert.equal(sim.counts.bulkWrites, 2);
  });

  it("knows for each actor whether its write took, though the reply has totals only", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ stale: fc.boolean(), exists: fc.boolean() }), { minLength: 1, maxLength: 20 }),
        async (actors) => {
          const sim = new SimStore();
          const [store, other] = [
            new ActorStore<State>(sim.collection()),
            new ActorStore<State>(sim.collection()),
          ];
          const before = actors.map((_, i) => document(`a${i}`, 1, 0, `i${i}`));
          for (const [i, it] of before.entries())
            if (actors[i]?.exists || actors[i]?.stale) await store.commit(null, it);
          for (const [i, it] of before.entries())
            if (actors[i]?.stale) await other.commit(it, following(it, 99));
          const took = await Promise.all(
            before.map((it, i) =>
              actors[i]?.exists ? store.commit(it, following(it, 1)) : store.commit(null, it),
            ),
          );
          assert.deepEqual(
            took,
            actors.map((it) => !it.stale),
          );
          for (const [i, it] of actors.entries())
            assert.equal(sim.get<LoadedActor<State>>(`a${i}`)?.state.n, it.stale ? 99 : it.exists ? 1 : 0);
        },
      ),
    );
  });

  it("lets one of two creations win and tells the loser", async () => {
    const sim = new SimStore();
    const [one, two] = [new ActorStore<State>(sim.collection()), new ActorStore<State>(sim.collection())];
    const took = await Promise.all([
      one.commit(null, document("a", 1, 1, "x")),
      two.commit(null, document("a", 1, 2, "y")),
    ]);
    assert.deepEqual(took.toSorted(), [false, true]);
    assert.equal(sim.get<LoadedActor<State>>("a")?.state.n, took[0] ? 1 : 2);
  });

  it("tells whether a version is still the latest: not after another one's commit, but after a pull", async () => {
    const sim = new SimStore();
    const [one, two] = [new ActorStore<State>(sim.collection()), new ActorStore<State>(sim.collection())];
    const first = {
      ...document("a", 1, 0, "i"),
      outbox: [{ id: "m1", at: 0, by: "n", message: testMessage("bustest.poke", "a", {}) }],
    };
    assert.equal(await one.isLatest(first), false);
    await one.commit(null, first);
    assert.equal(await one.isLatest(first), true);
    await two.pull([{ actor: "a", entries: ["m1"] }]);
    assert.equal(await one.isLatest(first), true);
    await two.commit(first, following(first, 1));
    assert.equal(await one.isLatest(first), false);
  });

  it("pulls from an outbox whatever the version, also together with a commit of the same actor", async () => {
    const sim = new SimStore();
    const store = new ActorStore<State>(sim.collection());
    const entry = (id: string) => ({ id, at: 0, by: "n", message: testMessage("bustest.poke", "a", {}) });
    const first = { ...document("a", 1, 0, "i"), outbox: [entry("m1"), entry("m2")] };
    await store.commit(null, first);
    const next = { ...following(first, 1), outbox: [...first.outbox, entry("m3")] };
    await Promise.all([store.pull([{ actor: "a", entries: ["m1"] }]), store.commit(first, next)]);
    assert.deepEqual(
      sim.get<LoadedActor<State>>("a")?.outbox.map((it) => it.id),
      ["m2", "m3"],
    );
  });

  it("pulls from many outboxes with few commands, from each its own", async () => {
    const sim = new SimStore();
    const store = new ActorStore<State>(sim.collection());
    const entry = (id: string) => ({ id, at: 0, by: "n", message: testMessage("bustest.poke", "a", {}) });
    const actors = Array.from({ length: 600 }, (_, n) => `a${n}`);
    await Promise.all(
      actors.map((it) =>
        store.commit(null, { ...document(it, 1, 0, it), outbox: [entry(`${it}-1`), entry(`${it}-2`)] }),
      ),
    );
    const before = sim.counts.bulkWrites;
    await store.pull(actors.map((actor) => ({ actor, entries: [`${actor}-1`] })));
    assert.equal(sim.counts.bulkWrites - before, 2);
    const many = Array.from({ length: 3_000 }, (_, n) => `none-${n}`);
    await store.pull([0, 1, 2].map(() => ({ actor: "a0", entries: many })));
    assert.equal(sim.counts.bulkWrites - before, 5);
    for (const it of actors)
      assert.deepEqual(
        sim.get<LoadedActor<State>>(it)?.outbox.map(({ id }) => id),
        [`${it}-2`],
      );
  });

  it("says of a pull that the database was away as of any write, so that it is tried again", async () => {
    const refused = new MongoBulkWriteError(
      { message: "gone", code: 6 },
      standIn({ getWriteConcernError: () => undefined }),
    );
    Object.assign(refused, { errorResponse: new MongoNetworkError("gone") });
    const collection = {
      ...new SimStore().collection<ActorDocument<State>>(),
      bulkWrite: () => Promise.reject(refused),
    };
    const store = new ActorStore<State>(collection);
    await assert.rejects(store.pull([{ actor: "a", entries: ["m"] }]), MongoNetworkError);
  });

  it("rejects what was in a command that failed, and goes on with the next", async () => {
    let failures = 1;
    const sim = new SimStore({ fail: () => (failures-- > 0 ? "before" : undefined) });
    const store = new ActorStore<State>(sim.collection());
    await assert.rejects(store.commit(null, document("a", 1, 0, "a")), MongoNetworkError);
    assert.equal(await store.commit(null, document("a", 1, 0, "b")), true);
  });

  it("keeps a document that can't be sent from failing those beside it", async () => {
    const sim = new SimStore();
    const collection = sim.collection<ActorDocument<State>>();
    const picky = {
      ...collection,
      bulkWrite: (operations: { insertOne?: { document: { state: State } } }[]) =>
        operations.some((it) => it.insertOne?.document.state.big)
          ? Promise.reject(new RangeError("document is too large"))
          : collection.bulkWrite(operations),
    };
    const store = new ActorStore<State>(picky);
    const big = { ...document("b", 1, 0, "b"), state: { n: 0, big: true } };
    const [a, b, c] = await Promise.allSettled([
      store.commit(null, document("a", 1, 0, "a")),
      store.commit(null, big),
      store.commit(null, document("c", 1, 0, "c")),
    ]);
    assert.deepEqual([a.status, b.status, c.status], ["fulfilled", "rejected", "fulfilled"]);
    assert.ok(sim.get("a") && sim.get("c") && !sim.get("b"));
  });

  it("gives up a command that does not come back, and goes on", async () => {
    const sim = new SimStore();
    const collection = sim.collection<ActorDocument<State>>();
    const hanging = [1];
    const deaf = {
      ...collection,
      bulkWrite: (...operations: Parameters<typeof collection.bulkWrite>) =>
        hanging.pop() ? new Promise<never>(() => undefined) : collection.bulkWrite(...operations),
    };
    const store = new ActorStore<State>(deaf, [], 30);
    await assert.rejects(store.commit(null, document("a", 1, 0, "a")), { type: "UNAVAILABLE" });
    assert.equal(await store.commit(null, document("a", 1, 0, "a")), true);
  });

  it("reads documents that are asked for at the same time with one command", async () => {
    const sim = new SimStore();
    const store = new ActorStore<State>(sim.collection());
    await store.commit(null, document("a", 1, 5, "a"));
    const [a, again, none] = await Promise.all([store.load("a"), store.load("a"), store.load("none")]);
    assert.deepEqual([a?.state.n, again?.state.n, none], [5, 5, null]);
    assert.equal(sim.counts.finds, 1);
  });
});
