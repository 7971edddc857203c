import assert from "node:assert/strict";
import { deserialize, serialize } from "bson";
import fc from "fast-check";
import { z } from "zod";
import { isShared, touchedKeys, withKey, withoutKey } from "../../../broker/actor/shared-record.ts";

type Plain = Record<string, number>;

describe("a shared record", () => {
  const key = fc.constantFrom("a", "b", "c", "d", "constructor", "__proto__", "toString");
  const step = fc.record({ from: fc.nat(), key, value: fc.option(fc.integer({ min: 1, max: 3 })) });

  it("is what a plain one would be, and so are all before it, whichever of them one goes on from", () => {
    const plainEntries = fc.array(fc.tuple(key, fc.integer({ min: 1, max: 3 })));
    fc.assert(
      fc.property(plainEntries, fc.array(step, { maxLength: 40 }), (entries, steps) => {
        const start: Plain = Object.fromEntries(entries);
        const versions = [{ shared: start, plain: new Map(Object.entries(start)) }];
        for (const { from, key: name, value } of steps) {
          const { shared, plain } = versions[from % versions.length] ?? assert.fail();
          const next = new Map(plain);
          if (value === null) next.delete(name);
          else next.set(name, value);
          versions.push({
            shared: value === null ? withoutKey(shared, name) : withKey(shared, name, value),
            plain: next,
          });
        }
        for (const { shared, plain } of versions) {
          assert.deepEqual(new Map(Object.entries(shared)), plain);
          for (const name of ["a", "b", "__proto__", "constructor"]) {
            assert.equal(Object.hasOwn(shared, name), plain.has(name));
            if (plain.has(name)) assert.equal(shared[name], plain.get(name));
          }
        }
        for (const before of versions)
          for (const after of versions) {
            const touched = touchedKeys(before.shared, after.shared);
            if (!touched) continue;
            for (const name of new Set([...before.plain.keys(), ...after.plain.keys()]))
              if (before.plain.get(name) !== after.plain.get(name)) assert.ok(touched.has(name), name);
          }
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the same record where nothing changes", () => {
    const one = withKey<number>({}, "a", 1);
    assert.equal(withKey(one, "a", 1), one);
    assert.equal(withoutKey(one, "b"), one);
    const plain = { a: 1 };
    assert.equal(withKey(plain, "a", 1), plain);
  });

  it("leaves the record that it was made from alone", () => {
    const plain: Plain = Object.freeze({ a: 1, b: 2 });
    const more = withKey(plain, "c", 3);
    const less = withoutKey(more, "a");
    assert.deepEqual(plain, { a: 1, b: 2 });
    assert.deepEqual({ ...more }, { a: 1, b: 2, c: 3 });
    assert.deepEqual({ ...less }, { b: 2, c: 3 });
    assert.ok(isShared(less) && !isShared(plain));
  });

  it("can't be changed", () => {
    const record = withKey<number>({}, "a", 1);
    assert.throws(() => {
      record.a = 2;
    }, TypeError);
    assert.throws(() => {
      delete record.a;
    }, TypeError);
    assert.throws(() => Object.defineProperty(record, "b", { value: 1 }), TypeError);
    assert.deepEqual({ ...record }, { a: 1 });
  });

  it("goes through JSON, BSON, zod and comparisons as a plain one", () => {
    const record = withKey(withKey({ x: 1 } as Plain, "a", 1), "b", 2);
    const plain = { x: 1, a: 1, b: 2 };
    assert.deepEqual(record, plain);
    assert.notDeepEqual(record, { ...plain, b: 3 });
    assert.deepEqual(JSON.parse(JSON.stringify({ record })), { record: plain });
    assert.deepEqual(deserialize(serialize({ record })), { record: plain });
    assert.deepEqual(z.record(z.string(), z.int()).parse(record), plain);
    assert.ok(z.strictObject({ a: z.int(), b: z.int(), x: z.int() }).safeParse(record).success);
  });

  it("costs one key a change: what ten thousand others cost does not grow with them", () => {
    const cost = (keys: number): number => {
      let record: Plain = Object.fromEntries(Array.from({ length: keys }, (_, n) => [`key-${n}`, n + 1]));
      record = withKey(record, "first", 1);
      let fresh = keys + 1;
      const work = (rounds: number) => {
        const started = process.cpuUsage();
        for (let n = 0; n < rounds; n++) {
          const before = record;
          record = withKey(withKey(record, `key-${n % keys}`, ++fresh), `new-${n}`, 1);
          assert.equal(touchedKeys(before, record)?.size, 2);
          record = withoutKey(record, `new-${n}`);
        }
        const { user, system } = process.cpuUsage(started);
        return user + system;
      };
      work(2_000);
      return Math.min(work(2_000), work(2_000), work(2_000));
    };
    // Two hundred times the keys; copying them would cost far more than ten times as much.
    assert.ok(cost(20_000) < 10 * cost(100));
  });
});
