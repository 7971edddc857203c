import assert from "node:assert/strict";
import fc from "fast-check";
import { type Caused, treeOf } from "../../../services/audit/timeline/tree.ts";

const everything = () => true;
const name = fc.integer({ min: 0, max: 25 }).map((n) => `m${n}`);
/** Any graph: causes that are not there, messages that are their own cause, rings. */
const entries: fc.Arbitrary<Caused[]> = fc.uniqueArray(
  fc.record({
    id: name,
    causationid: fc.option(name, { nil: undefined }),
    sender: fc.option(fc.constantFrom("order/1", "payment/1"), { nil: undefined }),
    sequence: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  }),
  { selector: (it) => it.id, maxLength: 25 },
);

describe("The tree of an order's messages", () => {
  it("has each message once, below its cause or at the top, whatever messages say of each other", () => {
    fc.assert(
      fc.property(entries, (given) => {
        const tree = treeOf(given, everything);
        assert.deepEqual(tree.map((it) => it.entry.id).sort(), given.map((it) => it.id).sort());
        const path: string[] = [];
        for (const { entry, depth } of tree) {
          assert.ok(depth <= path.length);
          path.length = depth;
          if (depth > 0) assert.equal(path.at(-1), entry.causationid);
          path.push(entry.id);
        }
      }),
    );
  });

  it("puts every message below its cause where there are no rings", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (causes) => {
        const given = causes.map((n, i) => ({
          id: `m${i}`,
          ...(i === 0 ? {} : { causationid: `m${n % i}` }),
        }));
        const roots = treeOf(given, everything).filter((it) => it.depth === 0);
        assert.deepEqual(
          roots.map((it) => it.entry.id),
          ["m0"],
        );
      }),
    );
  });

  it("counts the numbers of a sender that are missing, and tells of a cause that is not there", () => {
    const sent = (id: string, sequence: number, causationid?: string) => ({
      id,
      sender: "order/1",
      sequence,
      ...(causationid === undefined ? {} : { causationid }),
    });
    const tree = treeOf([sent("b", 3, "a"), sent("a", 2), sent("c", 7, "lost")], everything);
    assert.deepEqual(
      tree.map((it) => [it.entry.id, it.depth, it.missingBefore, it.causeMissing]),
      [
        ["a", 0, 1, false],
        ["b", 1, 0, false],
        ["c", 0, 3, true],
      ],
    );
    assert.ok(treeOf([sent("c", 7)], () => false).every((it) => it.missingBefore === 0));
  });
});
