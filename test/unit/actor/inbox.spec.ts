import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FORGET_AFTER_MS,
  InboxDraft,
  inboxKey,
  isRepeated,
  REMEMBERED,
} from "../../../broker/actor/inbox.ts";

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
        let inbox = {};
        const applied: string[] = [];
        for (let i = 0; i < messages.length; i += batch) {
          const draft = new InboxDraft(inbox);
          for (const { sender, sequence } of messages.slice(i, i + batch)) {
            const message = from(sender, sequence);
            if (draft.has(message)) continue;
            draft.add(message);
            applied.push(message.id);
          }
          inbox = draft.inbox;
        }
        const expected = [...new Set(messages.map((it) => `${it.sender}-${it.sequence}`))];
        assert.deepEqual(applied, expected);
      }),
    );
  });

  it("takes a number that is lower than others before it", () => {
    const draft = new InboxDraft({});
    draft.add(from("a/1", 9));
    assert.equal(draft.has(from("a/1", 3)), false);
  });

  it("leaves the inbox that it started from as it was", () => {
    const before = { "a/1": { seen: [1], at: 0 } };
    const copy = structuredClone(before);
    const draft = new InboxDraft(before);
    draft.add(from("a/1", 2));
    draft.add(from("a/1", 3));
    draft.add(from("b/1", 1));
    assert.deepEqual(before, copy);
    assert.deepEqual(draft.inbox["a/1"]?.seen, [1, 2, 3]);
  });

  it("remembers the last numbers of a sender and the last ids of senders without numbers", () => {
    const draft = new InboxDraft({});
    const ids = Array.from({ length: 3 * REMEMBERED }, (_, n) => ({ id: `id-${n}`, time: at(n) }));
    for (let n = 1; n <= 3 * REMEMBERED; n++) draft.add(from("a/1", n));
    for (const it of ids) draft.add(it);
    assert.equal(draft.inbox["a/1"]?.seen.length, REMEMBERED);
    assert.equal(draft.inbox.ids?.seen.length, REMEMBERED);
    assert.ok(isRepeated(draft.inbox, from("a/1", 3 * REMEMBERED)));
    assert.ok(isRepeated(draft.inbox, from("a/1", 2 * REMEMBERED + 1)));
    assert.ok(isRepeated(draft.inbox, ids[2 * REMEMBERED]!));
    assert.ok(!isRepeated(draft.inbox, ids[0]!));
  });

  it("forgets senders of long ago, by the messages' own time, and so stays small", () => {
    let inbox = {};
    for (let n = 0; n < 2_000; n++) {
      const draft = new InboxDraft(inbox);
      draft.add(from(`order/${n}`, 1, n * (FORGET_AFTER_MS / 50)));
      inbox = draft.inbox;
    }
    const senders = Object.keys(inbox);
    assert.ok(senders.length <= 50 + 32 + 1, `${senders.length} senders are remembered`);
    assert.ok(senders.includes("order/1999") && senders.includes("order/1950"));
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
