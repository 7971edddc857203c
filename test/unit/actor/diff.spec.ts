import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  ActorDocument,
  LoadedActor,
  OutboxEntry,
} from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { checkMaps, diff, withoutConfirmed } from "../../../broker/actor/runtime/document/diff.ts";
import { Inbox, type StoredInbox } from "../../../broker/actor/runtime/document/inbox.ts";
import { withKey, withoutKey } from "../../../broker/actor/shared-record.ts";
import { testMessage } from "../../support/bus/bus-contract.ts";
import { applyUpdate, withoutUndefined } from "./support/sim-store.ts";

type State = Record<string, unknown>;
type Doc = LoadedActor<State>;

const key = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/).filter((it) => it !== "__proto__");
const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
);
const map = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true });
const state = fc.record(
  { a: value, b: fc.oneof(value, fc.constant(undefined)), holds: fc.oneof(map, value), other: map },
  { requiredKeys: [] },
) as fc.Arbitrary<State>;

const entry = (n: number): OutboxEntry => ({
  id: `m${n}`,
  at: n,
  by: "node",
  message: testMessage("bustest.poke", "a", { n }, `${n}`),
});

const inbox: fc.Arbitrary<StoredInbox> = fc.dictionary(
  key,
  fc.record({ seen: fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 40 }), at: fc.nat() }),
  { maxKeys: 4, noNullPrototype: true },
);

/** The next inbox as inbox.ts makes it: marks appended, the oldest cut off, new senders and, made anew, forgotten ones. */
const inboxChange = fc.record({
  append: fc.dictionary(key, fc.array(fc.integer({ min: 501, max: 900 }), { minLength: 1, maxLength: 30 }), {
    noNullPrototype: true,
  }),
  drop: fc.boolean(),
});

function nextInbox(before: Inbox, change: { append: Record<string, number[]>; drop: boolean }): Inbox {
  const changed = new Map(
    Object.entries({ ...change.append }).map(([sender, marks]) => {
      const seen = [...(before.get(sender)?.seen ?? []), ...new Set(marks)].slice(-48);
      return [sender, { seen, at: 1 }];
    }),
  );
  if (!change.drop) return before.with(changed);
  const [, ...left] = Object.entries(before.with(changed).toJSON());
  return Inbox.of(Object.fromEntries(left));
}

/** As the database has it. */
const stored = (it: Doc): ActorDocument<State> =>
  withoutUndefined({ ...it, inbox: it.inbox.toJSON() }) as ActorDocument<State>;

const change = fc.record({
  before: state,
  after: state,
  sharing: fc.boolean(),
  inbox,
  inboxChange,
  outbox: fc.nat({ max: 6 }),
  added: fc.nat({ max: 4 }),
  confirmed: fc.array(fc.nat({ max: 5 })),
});

function documents(it: typeof change extends fc.Arbitrary<infer C> ? C : never): {
  previous: Doc;
  next: Doc;
} {
  const previous: Doc = {
    _id: "x",
    version: 3,
    state: it.before,
    inbox: Inbox.of(it.inbox),
    outbox: Array.from({ length: it.outbox }, (_, n) => entry(n)),
    timers: [],
    sent: it.outbox,
    commit: "old",
  };
  const added = Array.from({ length: it.added }, (_, n) => entry(100 + n));
  const folded: Doc = {
    ...previous,
    version: 4,
    commit: "new",
    state: it.sharing ? { ...it.before, ...it.after } : it.after,
    inbox: nextInbox(previous.inbox, it.inboxChange),
    outbox: added.length ? [...previous.outbox, ...added] : previous.outbox,
    sent: it.outbox + it.added,
    timers: it.added > 2 ? [{ id: "t", due: new Date(5), type: "x", data: {} }] : previous.timers,
  };
  const next = withoutConfirmed(previous, folded, new Set(it.confirmed.map((n) => `m${n}`)));
  return { previous, next };
}

const sampleOf = () => fc.sample(change, 1)[0] ?? assert.fail();

describe("The difference between two versions of an actor", () => {
  it("makes the next document of the previous one", () => {
    fc.assert(
      fc.property(change, (it) => {
        const { previous, next } = documents(it);
        const document = stored(previous);
        applyUpdate(document, diff(previous, next, ["holds"]));
        assert.deepEqual(document, stored(next));
      }),
      { numRuns: 500 },
    );
  });

  it("names the keys that have changed of a record that shares the others, and no more", () => {
    const step = fc.record({ key, value: fc.option(value.filter((it) => it !== null)) });
    fc.assert(
      fc.property(map, fc.array(step, { maxLength: 12 }), fc.nat(), (start, steps, from) => {
        const versions = [withKey(start as Record<string, NonNullable<unknown>>, "first", 1)];
        for (const { key: name, value: to } of steps) {
          const newest = versions.at(-1) ?? assert.fail();
          versions.push(to === null ? withoutKey(newest, name) : withKey(newest, name, to));
        }
        const [before, after] = [versions[from % versions.length], versions.at(-1)];
        const previous = { ...documents(sampleOf()).previous, state: { holds: before } };
        const next = { ...previous, version: 4, commit: "new", state: { holds: after } };
        const update = diff(previous, next, ["holds"]);
        const document = stored(previous);
        document.state = { holds: { ...before } };
        applyUpdate(document, update);
        assert.deepEqual(document.state, { holds: { ...after } });
        const written = Object.keys({ ...update.$set, ...update.$unset }).filter((it) =>
          it.startsWith("state."),
        );
        assert.ok(written.length <= steps.length && !written.includes("state.holds"));
      }),
      { numRuns: 500 },
    );
    const bad = withKey(withKey<number>({}, "a", 1), "$b", 2);
    const previous = { ...documents(sampleOf()).previous, state: { holds: withoutKey(bad, "$b") } };
    const next = { ...previous, state: { holds: bad } };
    assert.throws(() => diff(previous, next, ["holds"]), /can't be a key of holds/);
  });

  it("loses no unconfirmed message when another node has pulled some meanwhile", () => {
    fc.assert(
      fc.property(change, fc.array(fc.nat({ max: 5 })), (it, pulled) => {
        const { previous, next } = documents(it);
        const document = stored(previous);
        document.outbox = document.outbox.filter((entry) => !pulled.includes(Number(entry.id.slice(1))));
        applyUpdate(document, diff(previous, next, ["holds"]));
        const left = document.outbox.map((it) => it.id);
        for (const { id } of next.outbox)
          if (!it.confirmed.includes(Number(id.slice(1))) && !pulled.includes(Number(id.slice(1))))
            assert.ok(left.includes(id), `${id} is lost`);
        assert.deepEqual(left, [...new Set(left)], "in order and once");
      }),
      { numRuns: 500 },
    );
  });

  it("never writes the outbox as a whole and writes a map only by key", () => {
    fc.assert(
      fc.property(change, (it) => {
        const { previous, next } = documents(it);
        const update = diff(previous, next, ["other"]);
        assert.ok(!("outbox" in update.$set));
        assert.ok(!("state" in update.$set) && !("inbox" in update.$set));
        if (previous.state.other && next.state.other) assert.ok(!("state.other" in update.$set));
      }),
    );
  });

  it("touches nothing but version and commit where all parts are the same objects", () => {
    fc.assert(
      fc.property(state, inbox, (it, senders) => {
        const previous: Doc = {
          _id: "x",
          version: 1,
          state: it,
          inbox: Inbox.of(senders),
          outbox: [entry(1)],
          timers: [],
          sent: 1,
          commit: "a",
        };
        const next = { ...previous, version: 2, commit: "b" };
        assert.deepEqual(diff(previous, next, ["holds"]), { $set: { version: 2, commit: "b" } });
      }),
    );
  });

  it("refuses map keys that MongoDB can't name, in a change and in a new actor", () => {
    for (const bad of ["a.b", "$a", "", "a\0b"]) {
      const previous = {
        _id: "x",
        version: 1,
        state: { holds: {} },
        inbox: Inbox.empty,
        outbox: [],
        timers: [],
        sent: 0,
        commit: "",
      };
      const next = { ...previous, state: { holds: { [bad]: 1 } } };
      assert.throws(() => diff(previous, next, ["holds"]), /can't be a key of holds/);
      assert.throws(() => checkMaps(next.state, ["holds"]), /can't be a key of holds/);
    }
  });
});
