import assert from "node:assert/strict";
import { type Service, ServiceBroker } from "moleculer";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { type ActorHostParts, actorHost } from "../../../mixins/actor-host.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";
import { noteActor, notes } from "./notes.ts";

const hosted = { note: noteActor };
type WithNotes = Service & ActorHostParts<typeof hosted>;

describe("the actorHost mixin", () => {
  let node: ServicesNode | undefined;
  const start = async (name: string, actors: typeof hosted = hosted, contracts = [notes]) => {
    node = await startServices([{ name, mixins: [actorHost(actors)] }], { contracts });
    return { node, service: node.broker.getLocalService(name) as WithNotes };
  };
  afterEach(() => node?.close());

  it("takes what comes to the mailboxes of the service's contract", async () => {
    const { node, service } = await start("notes");
    const id = newId();
    const message = envelope("note.write", id, { text: "Milk" }, { source: "/test", at: Date.now() });
    await node.runtime.bus.publish(message);
    await eventually(
      "the note is written",
      async () => (await service.actors.note.read(id))?.state.text === "Milk",
    );
  });

  it("applies messages to actors of a service without a contract", async () => {
    const { service } = await start("diary", hosted, []);
    const id = newId();
    await service.actors.note.apply(id, "note.write", { text: "Dear " });
    const { state } = await service.actors.note.apply(id, "note.write", { text: "diary" });
    assert.equal(state.text, "Dear diary");
    await assert.rejects(service.actors.note.apply(id, "note.write", { text: "" }), { code: 409 });
    assert.equal((await service.actors.note.read(id))?.version, 2);
  });

  it("makes an actor from the configuration", async () => {
    const seen: string[] = [];
    const made = ({ NODE_ENV }: { NODE_ENV: string }) => {
      seen.push(NODE_ENV);
      return noteActor;
    };
    node = await startServices([{ name: "notes", mixins: [actorHost({ note: made })] }], {
      contracts: [notes],
    });
    const { actors } = node.broker.getLocalService("notes") as WithNotes;
    assert.deepEqual(seen, ["test"]);
    assert.equal(await actors.note.read(newId()), null);
  });

  it("takes an actor under its own type only", () => {
    const broker = new ServiceBroker({ logger: false });
    broker.souk = {} as NodeRuntime;
    assert.throws(() => broker.createService({ name: "notes", mixins: [actorHost({ letter: noteActor })] }), {
      message: "notes: the actor note is hosted as letter",
    });
  });

  it("has the documents of its actors for queries", async () => {
    const { service } = await start("diary", hosted, []);
    const id = newId();
    await service.actors.note.apply(id, "note.write", { text: "Dear diary" });
    const { documents } = service.actors.note;
    assert.equal(documents.collection.name, "notes");
    const found = await documents.find({ "state.text": /^Dear/ }).lean();
    assert.deepEqual(
      found.map((it) => it._id),
      [id],
    );
  });

  it("takes no messages any more when the service's own stop runs", async () => {
    const partitions: number[] = [];
    const count = (service: Service) =>
      void partitions.push((service as WithNotes).actors.note.partitions.size);
    node = await startServices(
      [
        {
          name: "notes",
          mixins: [actorHost(hosted)],
          stopped() {
            count(this);
          },
        },
      ],
      { contracts: [notes] },
    );
    const message = envelope("note.write", newId(), { text: "Milk" }, { source: "/test", at: Date.now() });
    await node.runtime.bus.publish(message);
    count(node.broker.getLocalService("notes") as Service);
    await node.stop();
    assert.deepEqual(partitions, [1, 0]);
  });
});
