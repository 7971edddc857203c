import assert from "node:assert/strict";
import type { Service } from "moleculer";
import { Schema } from "mongoose";
import { defineModel } from "../../../broker/mongo/model.ts";
import { type MongoParts, mongo } from "../../../mixins/mongo.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

interface Book {
  _id: string;
  title: string;
}

const options = { versionKey: false, autoIndex: false } as const;
const books = defineModel<Book>("books", new Schema({ _id: String, title: String }, options));
const shelves = defineModel<{ _id: string }>("shelves", new Schema({ _id: String }, options));

type WithBooks = Service & MongoParts<{ books: Book; shelves: { _id: string } }>;

describe("the mongo mixin", () => {
  const nodes: ServicesNode[] = [];
  const service = { name: "library", mixins: [mongo({ books }), mongo({ shelves })] };
  const start = async () => {
    const node = await startServices([service], { contracts: [] });
    nodes.push(node);
    return node.broker.getLocalService("library") as WithBooks;
  };
  afterEach(() => Promise.all(nodes.splice(0).map((it) => it.close())));

  it("binds models to the database of a plain Moleculer service", async () => {
    const { models, database } = await start();
    assert.equal(database.name, "souk_library");
    await models.books.create({ _id: "1", title: "Ulysses" });
    assert.deepEqual(await database.collection("books").find().toArray(), [{ _id: "1", title: "Ulysses" }]);
  });

  it("adds to the models of another one", async () => {
    assert.deepEqual(Object.keys((await start()).models).sort(), ["books", "shelves"]);
  });

  it("gives each broker of a process its own", async () => {
    const [one, two] = [await start(), await start()];
    await one.models.books.create({ _id: "1", title: "Ulysses" });
    assert.equal(await two.models.books.countDocuments(), 0);
  });
});
