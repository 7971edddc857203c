import assert from "node:assert/strict";
import fc from "fast-check";
import { SoukError } from "../../../broker/contract/errors.ts";
import { cursor as cursorSchema } from "../../../broker/contract/schemas.ts";
import {
  beforeId,
  beforeTimeAndId,
  makeCursor,
  pageOf,
  readCursor,
  timeAndId,
} from "../../../broker/mongo/page-cursor.ts";
import { keyOf } from "../../../services/products/search/sort-keys.ts";
import { nameKey } from "../../../services/products/text/sort-name.ts";

const id = "01a1fd31-fdfe-7400-a156-6238e39f5e76";
const namesCursor = (error: unknown) =>
  error instanceof SoukError && JSON.stringify(error.data).includes('"cursor"');

describe("cursors", () => {
  it("give back the key they were made of, and fit the contract for any name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.string(), (name, query) => {
        const key = nameKey(name, id);
        const cursor = makeCursor(key, query);
        assert.equal(readCursor(cursor, query), key);
        assert.equal(cursorSchema.safeParse(cursor).success, true, cursor);
      }),
    );
  });

  it("are refused, by name, when anything in them was changed", () => {
    const cursor = makeCursor(nameKey("Lamp", id), "query");
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.constantFrom(..."ABCXYZabcxyz019-_"), (at, letter) => {
        fc.pre(cursor[at] !== letter);
        const changed = cursor.slice(0, at) + letter + cursor.slice(at + 1);
        assert.throws(() => readCursor(changed, "query"), namesCursor);
      }),
    );
    for (const other of ["", "a", cursor.slice(1), cursor.slice(0, -1), `${cursor}A`])
      assert.throws(() => readCursor(other, "query"), namesCursor);
  });

  it("are refused for another query", () => {
    assert.throws(() => readCursor(makeCursor("key", "one"), "two"), namesCursor);
  });

  it("are refused when their key is none of the list's, though they are well made", () => {
    const forged = (key: string) => makeCursor(key, "list");
    for (const key of ["", "nonsense", `${id} ${id}`, "2026-01-01T00:00:00.000Z"]) {
      assert.throws(() => beforeId(forged(key), "list"), namesCursor, key);
      assert.throws(() => beforeTimeAndId(forged(key), "list"), namesCursor, key);
    }
  });

  it("lead from a page to what comes after it", () => {
    const at = "2026-01-01T00:00:00.000Z";
    const found = [1, 2, 3].map((n) => ({ _id: id.replace(/.$/, String(n)), at }));
    const byId = pageOf(found, 2, "list", (it) => it._id);
    assert.deepEqual(byId.shown, found.slice(0, 2));
    assert.equal(beforeId(byId.nextCursor ?? "", "list")._id?.$lt, found[1]?._id);
    const byTime = pageOf(found, 2, "list", timeAndId);
    assert.deepEqual(JSON.parse(JSON.stringify(beforeTimeAndId(byTime.nextCursor ?? "", "list"))), {
      $or: [{ at: { $lt: at } }, { at, _id: { $lt: found[1]?._id } }],
    });
    assert.equal(pageOf(found, 3, "list", timeAndId).nextCursor, null);
    assert.deepEqual([beforeId(undefined, "list"), beforeTimeAndId(undefined, "list")], [{}, {}]);
  });
});

describe("sort keys", () => {
  it("order prices as numbers do", () => {
    const price = fc.nat(1_000_000_000);
    const priceKey = (rank: number) => keyOf("price", { rank, name: "", id });
    fc.assert(
      fc.property(price, price, (a, b) => {
        assert.equal(
          Math.sign(priceKey(a) < priceKey(b) ? -1 : priceKey(a) > priceKey(b) ? 1 : 0),
          Math.sign(a - b),
        );
      }),
    );
  });

  it("put a name before longer ones that begin with it", () => {
    assert.ok(nameKey("Lamp", "f") < nameKey("Lamp oil", "0"));
    assert.ok(nameKey("lamp", "0") < nameKey("LAMP", "1"));
  });
});
