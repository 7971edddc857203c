import assert from "node:assert/strict";
import fc from "fast-check";
import { Inbox, InboxDraft, inboxKey, REMEMBERED } from "../../../broker/actor/runtime/document/inbox.ts";

const at = (ms: number) => new Date(ms).toISOString();
const from = (sender: string, sequence: number, ms = 0) => ({
  id: `${sender}-${sequence}`,
  sender,
  sequence,
  time: at(ms),
});

const arrivals = fc.array(
  fc.record({
    sender: fc.constantFrom("a/1", "a/2", "b/1"),
    sequence: fc.integer({ min: 1, max: REMEMBERED }),
  }),
  { maxLength: 300 },
);

describe("An actor's inbox", () => {
  it("applies each message once, in whatever order and however often it comes", () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 10 }), (messages, batch) => {
        let inbox = Inbox.empty;
        const applied: string[] = [];
        for (let i = 0; i < messages.length; i += batch) {
          const draft = new InboxDraft(inbox);
          for (const { sender, sequence } of messages.slice(i, i + batch)) {
            const message = from(sender, sequence);
            if (draft.has(message)) continue;
            draft.add(message);
            applied.push(message.id);
          }
          inbox = draft.finish();
        }
        const expected = [...new Set(messages.map((it) => `${it.sender}-${it.sequence}`))];
        assert.deepEqual(applied, expected);
      }),
    );
  });

  it("takes a number that is lower than others before it", () => {
    const draft = new InboxDraft(Inbox.empty);
    draft.add(from("a/1", 9));
    assert.equal(draft.has(from("a/1", 3)), false);
  });

  it("leaves the inbox that it started from as it was", () => {
    const stored = { "a/1": { seen: [1], at: 0 } };
    const before = Inbox.of(stored);
    const draft = new InboxDraft(before);
    draft.add(from("a/1", 2));
    draft.add(from("a/1", 3));
    draft.add(from("b/1", 1));
    const after = draft.finish();
    assert.deepEqual(before.toJSON(), stored);
    assert.deepEqual(after.get("a/1")?.seen, [1, 2, 3]);
    assert.deepEqual([...after.changesSince(before)].map(([sender]) => sender).sort(), ["a/1", "b/1"]);
  });

  it("remembers the last numbers of a sender and the last ids of senders without numbers", () => {
    const draft = new InboxDraft(Inbox.empty);
    const ids = Array.from({ length: 3 * REMEMBERED }, (_, n) => ({ id: `id-${n}`, time: at(n) }));
    for (let n = 1; n <= 3 * REMEMBERED; n++) draft.add(from("a/1", n));
    for (const it of ids) draft.add(it);
    const inbox = draft.finish();
    assert.equal(inbox.get("a/1")?.seen.length, REMEMBERED);
    assert.equal(inbox.get("ids")?.seen.length, REMEMBERED);
    assert.ok(inbox.has(from("a/1", 3 * REMEMBERED)));
    assert.ok(inbox.has(from("a/1", 2 * REMEMBERED + 1)));
    assert.ok(inbox.has(ids[2 * REMEMBERED]!));
    assert.ok(!inbox.has(ids[0]!));
  });

  it("knows what it is told of beside its own, and does not keep it", () => {
    const archived = Inbox.of({ "a/1": { seen: [1], at: 0 } });
    const draft = new InboxDraft(Inbox.of({ "a/1": { seen: [2], at: 0 } }), archived);
    assert.ok(draft.has(from("a/1", 1)) && draft.has(from("a/1", 2)) && !draft.has(from("a/1", 3)));
    draft.add(from("a/1", 3));
    assert.ok(draft.has(from("a/1", 1)));
    assert.deepEqual(draft.finish().get("a/1")?.seen, [2, 3]);
  });

  it("names the senders silent for longest, by the messages' own time, never the ids, and goes on without them", () => {
    const inbox = Inbox.of({
      "a/1": { seen: [1], at: 5 },
      "a/2": { seen: [1], at: 3 },
      "a/3": { seen: [1], at: 4 },
      ids: { seen: ["x"], at: 0 },
    }).with(new Map([["a/2", { seen: [1, 2], at: 9 }]]));
    const silent = inbox.longestSilent(2).map(([sender]) => sender);
    assert.deepEqual(silent, ["a/3", "a/1"]);
    assert.deepEqual(inbox.longestSilent(-1), []);
    const left = inbox.without(silent);
    assert.deepEqual(left.toJSON(), { "a/2": { seen: [1, 2], at: 9 }, ids: { seen: ["x"], at: 0 } });
    assert.deepEqual([inbox.size, left.size], [4, 2]);
  });

  it("says what has changed since the version before, settled or not, as the two written out tell", () => {
    const senders = fc.array(fc.record({ sender: fc.nat(30), sequence: fc.nat(5) }), {
      minLength: 1,
      maxLength: 8,
    });
    const step = fc.record({ senders, silent: fc.nat(3), commits: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        let inbox = Inbox.of({ "order/0": { seen: [9], at: 0 } });
        for (const { senders, silent, commits } of steps) {
          const old = inbox.toJSON();
          const draft = new InboxDraft(inbox);
          for (const { sender, sequence } of senders) draft.add(from(`order/${sender}`, sequence));
          let next = draft.finish();
          if (silent > 1) next = next.without(next.longestSilent(silent).map(([sender]) => sender));
          const patched = { ...old };
          for (const [sender, entry] of next.changesSince(inbox))
            if (entry) patched[sender] = entry;
            else {
              assert.ok(patched[sender], `${sender} was not there before`);
              delete patched[sender];
            }
          assert.deepEqual(patched, next.toJSON());
          assert.equal(next.size, Object.keys(patched).length);
          assert.deepEqual(inbox.toJSON(), old, "a version that may still be wanted stays as it was");
          if (!commits) continue;
          next.settle();
          assert.deepEqual(next.toJSON(), patched);
          inbox = next;
        }
      }),
    );
  });

  it("makes field names that MongoDB takes, a different one for each sender", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: fc.constantFrom(..."a.$%2E4\0/") }), { minLength: 2, maxLength: 2 }),
        ([a, b]) => {
          assert.ok(!/[.$\0]/.test(inboxKey(a)));
          assert.notEqual(inboxKey(a), inboxKey(b));
        },
      ),
    );
  });
});
