import assert from "node:assert/strict";
import type { Service } from "moleculer";
import { newId } from "../../../broker/contract/ids.ts";
import { ORPHANED_AFTER_MS, type OutboxDocument } from "../../../broker/mongo/document-outbox.ts";
import { type OutboxParts, outbox } from "../../../mixins/outbox.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";
import { notes } from "./notes.ts";

describe("the outbox mixin", () => {
  let node: ServicesNode;
  const heard: { id: string; source: string }[] = [];
  const service = { name: "letters", mixins: [outbox({ collection: "letters" })] };
  const parts = () => node.broker.getLocalService("letters") as Service & OutboxParts;
  const letters = () => node.runtime.database("letters").collection<OutboxDocument>("letters");
  const pending = async () => (await letters().findOne())?.outbox?.length;
  beforeEach(async () => {
    heard.splice(0);
    node = await startServices([], { contracts: [notes] });
    await node.runtime.bus.consumeWorker(
      { service: "notes", worker: "copy", receives: notes.workers.copy.receives },
      async ({ id, source }) => void heard.push({ id, source }),
    );
  });
  afterEach(() => node.close());
  const begin = async () => {
    node.broker.createService(service);
    await node.broker.waitForServices("letters");
  };

  it("publishes what a document's write has left in it, and takes it out again", async () => {
    await begin();
    const { outbox } = parts();
    const [_id, entry] = [newId(), outbox.entry("note.written", newId(), { text: "Milk" })];
    await letters().insertOne({ _id, outbox: [entry] });
    outbox.relay(_id, [entry]);
    await eventually("the entry is gone", async () => (await pending()) === 0);
    assert.deepEqual(heard, [{ id: entry.id, source: "/letters" }]);
  });

  it("looks at its start for what a crash has left behind", async () => {
    await begin();
    const { entry } = parts().outbox;
    const left = {
      ...entry("note.written", newId(), { text: "Milk" }),
      at: new Date(Date.now() - ORPHANED_AFTER_MS),
    };
    await node.broker.destroyService("letters");
    await letters().insertOne({ _id: newId(), outbox: [left] });
    await begin();
    await eventually("the entry is gone", async () => (await pending()) === 0);
    assert.deepEqual(heard, [{ id: left.id, source: "/letters" }]);
  });
});
