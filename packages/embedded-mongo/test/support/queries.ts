/** Random documents, indexes and queries that fit each other. */
import type { Document } from "bson";
import fc from "fast-check";

export const small = fc.oneof(
  fc.integer({ min: -2, max: 4 }),
  fc.constantFrom("a", "ab", "b", null, true),
  fc.constantFrom(1.5, 2.5),
);
const fieldValue = fc.oneof(
  { arbitrary: small, weight: 6 },
  { arbitrary: fc.array(small, { maxLength: 3 }), weight: 2 },
  { arbitrary: fc.record({ x: small }, { requiredKeys: [] }), weight: 1 },
  {
    arbitrary: fc.array(fc.record({ x: small, y: small }, { requiredKeys: [] }), { maxLength: 3 }),
    weight: 1,
  },
);
export const document = fc.record({ a: fieldValue, b: fieldValue, c: small }, { requiredKeys: [] });
export const documents = fc.array(document, { minLength: 1, maxLength: 25 });

const path = fc.constantFrom("a", "b", "c", "a.x", "a.y", "b.x");
/** Descriptions of indexes, without those that no two documents can share. */
export const specs: Document[] = [
  { key: { a: 1 } },
  { key: { a: -1 } },
  { key: { c: 1, a: 1 } },
  { key: { c: -1, b: 1 } },
  { key: { "a.x": 1 } },
  { key: { "a.x": 1, "a.y": -1 } },
  { key: { a: 1 }, sparse: true },
  { key: { b: 1, c: -1 }, sparse: true },
  { key: { a: 1 }, partialFilterExpression: { c: { $gt: 0 } } },
  { key: { c: 1 }, partialFilterExpression: { c: { $exists: true } } },
  { key: { b: 1 }, partialFilterExpression: { b: { $type: "number" } } },
].map((spec, i) => ({ name: `i${i}`, ...spec }));
export const indexes = fc.uniqueArray(fc.constantFrom(...specs), {
  maxLength: 4,
  selector: (spec) => spec.name,
});

const test = fc.oneof(
  small,
  fc.record({ $gt: small }),
  fc.record({ $gte: small, $lt: small }),
  fc.record({ $lte: small }),
  fc.record({ $in: fc.array(small, { maxLength: 3 }) }),
  fc.record({ $ne: small }),
  fc.record({ $nin: fc.array(small, { maxLength: 2 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $type: fc.constantFrom("number", "string", "null", "array", "bool") }),
  fc.record({ $size: fc.nat(2) }),
  fc.record({ $all: fc.array(small, { minLength: 1, maxLength: 2 }) }),
  fc.record({ $elemMatch: fc.record({ $gt: small, $lt: small }) }),
  fc.record({ $elemMatch: fc.record({ x: small, y: fc.record({ $gt: small }) }, { requiredKeys: [] }) }),
  fc.record({ $not: fc.record({ $gt: small }) }),
  fc.record({ $regex: fc.constantFrom("^a", "b$", "^ab") }),
  fc.array(small, { maxLength: 2 }),
);
const clause = fc.tuple(path, test).map(([name, value]): Document => ({ [name]: value }));
export const filter = fc.oneof(
  fc.array(clause, { maxLength: 3 }).map((clauses): Document => Object.assign({}, ...clauses)),
  fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses): Document => ({ $and: clauses })),
  fc
    .tuple(fc.array(clause, { minLength: 1, maxLength: 3 }), fc.array(clause, { maxLength: 1 }))
    .map(([branches, more]): Document => Object.assign({ $or: branches }, ...more)),
);
export const sort = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "c", "a.x"), fc.constantFrom(1, -1)), {
    maxLength: 2,
    selector: ([name]) => name,
  })
  .map((fields): Document => Object.fromEntries(fields));
