import assert from "node:assert/strict";
import { derivedId, derivedV7, newId } from "../../../broker/contract/ids.ts";
import { id } from "../../../broker/contract/schemas.ts";

describe("ids", () => {
  it("are UUIDv7, each later than the one before, also within a millisecond", () => {
    let last = "";
    for (let n = 0; n < 50_000; n++) {
      const next = newId();
      assert.ok(next > last, `${next} after ${last}`);
      last = next;
    }
    assert.equal(id.parse(last), last);
  });

  it("carry the time in their first 48 bits", () => {
    const ms = Number.parseInt(newId().replaceAll("-", "").slice(0, 12), 16);
    assert.ok(Math.abs(ms - Date.now()) < 1_000);
  });

  it("derived from the same parts are the same, from others they are not", () => {
    assert.equal(derivedId("a", 1), derivedId("a", 1));
    assert.notEqual(derivedId("a", "b"), derivedId("ab"));
    const base = newId();
    assert.equal(derivedV7(base, "payment"), derivedV7(base, "payment"));
    assert.notEqual(derivedV7(base, "payment"), derivedV7(base, "delivery"));
    assert.equal(id.parse(derivedV7(base, "payment")).slice(0, 13), base.slice(0, 13));
  });
});
