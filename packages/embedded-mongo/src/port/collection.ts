/** Methods of the driver's collection that send their commands through a port. */
import { type Collection, type Document, MongoServerError } from "mongodb";
import { bulkWrite, given, updateStatement } from "./bulk-write.ts";
import type { Commands } from "./commands.ts";
import { lazyCursor, readAll } from "./cursor.ts";
import { hasOnly, isDocument, isSort, isUpdate, names } from "./options.ts";

type Options = Document;

const inFind = names("projection sort skip limit batchSize hint maxTimeMS");
const inFindAndModify = names(
  "upsert returnDocument projection sort arrayFilters hint maxTimeMS includeResultMetadata ignoreUndefined",
);
const inUpdate = names("upsert arrayFilters hint ignoreUndefined");
const inInsert = names("ignoreUndefined");
const inDelete = names("hint");
const inBulk = names("ordered ignoreUndefined");
const inAggregate = names("batchSize hint maxTimeMS allowDiskUse");
const inCount = names("skip limit hint maxTimeMS");

/**
 * Replaces methods of a collection. What they do not handle, the driver's own do: unusual options, and everything
 * after its client has closed.
 */
export function sendDirectly<T extends Document>(
  collection: Collection<T>,
  commands: Commands,
  isOpen: () => boolean,
): Collection<T> {
  const name = collection.collectionName;
  const untyped: object = collection;
  const driver = untyped as Record<Method, (...args: unknown[]) => never>;
  const original = Object.fromEntries(
    methods.map((it) => [it, driver[it].bind(collection)]),
  ) as typeof driver;
  /** A method that is direct where it can be. */
  const orDriver =
    (method: Method, direct: (...args: never[]) => Promise<unknown> | undefined) =>
    async (...args: unknown[]): Promise<unknown> =>
      await ((isOpen() ? Reflect.apply(direct, undefined, args) : undefined) ?? original[method](...args));

  const update =
    (multi: boolean) =>
    (filter: unknown, change: unknown, options: Options = {}): Promise<Document> | undefined =>
      isDocument(filter) && isUpdate(change) && hasOnly(options, inUpdate)
        ? commands
            .run(
              { update: name, updates: [updateStatement(filter, change, options, multi)] },
              options.ignoreUndefined,
            )
            ?.then(updateResult)
        : undefined;
  const remove =
    (limit: 0 | 1) =>
    (filter: unknown = {}, options: Options = {}): Promise<Document> | undefined =>
      isDocument(filter) && hasOnly(options, inDelete)
        ? commands
            .run({ delete: name, deletes: [{ q: filter, limit, ...given(options, "hint") }] })
            ?.then((reply) => ({ acknowledged: true, deletedCount: written(reply).n }))
        : undefined;

  Object.assign(collection, {
    find(filter: unknown = {}, options: Options = {}) {
      const make = () => original.find(filter, options);
      const command = findCommand(name, filter, options);
      return command === undefined
        ? make()
        : lazyCursor(make, () => (isOpen() ? readAll(commands, name, command) : undefined));
    },
    findOne: orDriver("findOne", (filter: unknown = {}, options: Options = {}) => {
      const command = findCommand(name, filter, { ...options, limit: 1 });
      return (
        command &&
        commands.run({ ...command, singleBatch: true })?.then(({ cursor }) => cursor.firstBatch[0] ?? null)
      );
    }),
    findOneAndUpdate: orDriver(
      "findOneAndUpdate",
      (filter: unknown, change: unknown, options: Options = {}) => {
        if (!isDocument(filter) || !isUpdate(change) || !hasOnly(options, inFindAndModify)) return undefined;
        if (options.sort != null && !isSort(options.sort)) return undefined;
        const command = {
          findAndModify: name,
          query: filter,
          update: change,
          new: options.returnDocument === "after",
          upsert: options.upsert === true,
          ...given(options, "sort", "arrayFilters", "hint", "maxTimeMS"),
          ...(options.projection == null ? {} : { fields: options.projection }),
        };
        return commands
          .run(command, options.ignoreUndefined)
          ?.then((reply) => (options.includeResultMetadata ? reply : (reply.value ?? null)));
      },
    ),
    insertOne: orDriver("insertOne", (document: unknown, options: Options = {}) =>
      isDocument(document) && document._id != null && hasOnly(options, inInsert)
        ? commands.run({ insert: name, documents: [document] }, options.ignoreUndefined)?.then((reply) => {
            written(reply);
            return { acknowledged: true, insertedId: document._id };
          })
        : undefined,
    ),
    insertMany: orDriver("insertMany", (documents: unknown, options: Options = {}) => {
      if (!Array.isArray(documents) || !hasOnly(options, inBulk)) return undefined;
      const operations = documents.map((document) => ({ insertOne: { document } }));
      return bulkWrite(commands, name, operations, options)?.then(({ insertedCount, insertedIds }) => ({
        acknowledged: true,
        insertedCount,
        insertedIds,
      }));
    }),
    updateOne: orDriver("updateOne", update(false)),
    updateMany: orDriver("updateMany", update(true)),
    deleteOne: orDriver("deleteOne", remove(1)),
    deleteMany: orDriver("deleteMany", remove(0)),
    bulkWrite: orDriver("bulkWrite", (operations: unknown, options: Options = {}) =>
      Array.isArray(operations) && hasOnly(options, inBulk)
        ? bulkWrite(commands, name, operations, options)
        : undefined,
    ),
    aggregate(pipeline: unknown = [], options: Options = {}) {
      const make = () => original.aggregate(pipeline, options);
      if (!Array.isArray(pipeline) || !hasOnly(options, inAggregate)) return make();
      const cursor = given(options, "batchSize");
      const command = {
        aggregate: name,
        pipeline,
        cursor,
        ...given(options, "hint", "maxTimeMS", "allowDiskUse"),
      };
      return lazyCursor(make, () => (isOpen() ? readAll(commands, name, command) : undefined));
    },
    countDocuments: orDriver("countDocuments", (filter: unknown = {}, options: Options = {}) => {
      if (!isDocument(filter) || !hasOnly(options, inCount)) return undefined;
      const pipeline = [
        { $match: filter },
        ...(options.skip ? [{ $skip: options.skip }] : []),
        ...(options.limit ? [{ $limit: options.limit }] : []),
        { $group: { _id: 1, n: { $sum: 1 } } },
      ];
      return commands
        .run({ aggregate: name, pipeline, cursor: {}, ...given(options, "hint", "maxTimeMS") })
        ?.then(({ cursor }) => cursor.firstBatch[0]?.n ?? 0);
    }),
  } satisfies Record<Method, unknown>);
  return collection;
}

const methods = [
  "find",
  "findOne",
  "findOneAndUpdate",
  "insertOne",
  "insertMany",
  "updateOne",
  "updateMany",
  "deleteOne",
  "deleteMany",
  "bulkWrite",
  "aggregate",
  "countDocuments",
] as const;
type Method = (typeof methods)[number];

function findCommand(name: string, filter: unknown, options: Options): Document | undefined {
  const { projection, sort, limit = 0 } = options;
  if (!isDocument(filter) || !hasOnly(options, inFind) || limit < 0) return undefined;
  if ((projection != null && !isDocument(projection)) || (sort != null && !isSort(sort))) return undefined;
  return {
    find: name,
    filter,
    ...given(options, "projection", "sort", "skip", "limit", "batchSize", "hint", "maxTimeMS"),
  };
}

/** @throws {MongoServerError} the store's error for the only statement of a write */
function written(reply: Document): Document {
  if (reply.writeErrors) throw new MongoServerError(reply.writeErrors[0]);
  return reply;
}

function updateResult(reply: Document): Document {
  const { n, nModified, upserted } = written(reply);
  const [made] = upserted ?? [];
  return {
    acknowledged: true,
    matchedCount: made ? 0 : n,
    modifiedCount: nModified,
    upsertedCount: made ? 1 : 0,
    upsertedId: made?._id ?? null,
  };
}
