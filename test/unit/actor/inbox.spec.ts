import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FORGET_AFTER_MS,
  Inbox,
  InboxDraft,
  inboxKey,
  MAX_SENDERS,
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

  it("forgets senders of long ago, by the messages' own time, and so stays small", () => {
    let inbox = Inbox.empty;
    for (let n = 0; n < 2_000; n++) {
      const draft = new InboxDraft(inbox);
      draft.add(from(`order/${n}`, 1, n * (FORGET_AFTER_MS / 50)));
      inbox = draft.finish();
    }
    const senders = Object.keys(inbox.toJSON());
    assert.ok(senders.length <= 50 + 64 + 1, `${senders.length} senders are remembered`);
    assert.ok(senders.includes("order/1999") && senders.includes("order/1950"));
  });

  it("remembers the senders heard of last, however many there are, and says what it forgot", () => {
    const senders = Array.from({ length: MAX_SENDERS + 1 }, (_, n) => [`order/${n}`, { seen: [1], at: n }]);
    const full = Inbox.of(Object.fromEntries(senders));
    const draft = new InboxDraft(full);
    // As many as make it look at all of them.
    const more = 300;
    for (let n = 0; n < more; n++) draft.add(from(`order/new-${n}`, 1, MAX_SENDERS + n));
    const next = draft.finish();
    const left = Object.keys(next.toJSON());
    assert.ok(left.length <= MAX_SENDERS, `${left.length} senders are remembered`);
    assert.ok(!next.get("order/0") && next.get("order/new-0") && next.get(`order/${MAX_SENDERS}`));
    const changes = [...next.changesSince(full)];
    const forgotten = changes.filter(([, entry]) => entry === undefined);
    assert.equal(forgotten.length, senders.length + more - left.length);
    assert.equal(changes.length - forgotten.length, more);
  });

  it("says what has changed since any version before, as the two written out tell", () => {
    const deliveries = fc.array(
      fc.record({ sender: fc.nat(300), sequence: fc.nat(5), day: fc.integer({ min: 0, max: 20 }) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.array(deliveries, { minLength: 1, maxLength: 150 }), fc.nat(), (batches, pick) => {
        const versions = [Inbox.of({ "order/0": { seen: [9], at: 0 } })];
        for (const batch of batches) {
          const draft = new InboxDraft(versions.at(-1)!);
          for (const { sender, sequence, day } of batch)
            draft.add(from(`order/${sender}`, sequence, (day * FORGET_AFTER_MS) / 7));
          versions.push(draft.finish());
        }
        const last = versions.at(-1)!;
        for (const before of [versions.at(-2)!, versions[pick % versions.length]!, last]) {
          const [old, now] = [before.toJSON(), last.toJSON()];
          const patched = { ...old };
          for (const [sender, entry] of last.changesSince(before))
            if (entry) patched[sender] = entry;
            else {
              assert.ok(patched[sender], `${sender} was not there before`);
              delete patched[sender];
            }
          assert.deepEqual(patched, now);
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
