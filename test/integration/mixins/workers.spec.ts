import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Envelope, envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { defineService } from "../../../broker/moleculer/define-service.ts";
import { actorHost } from "../../../mixins/actor-host.ts";
import { idempotency } from "../../../mixins/idempotency.ts";
import { workers } from "../../../mixins/workers.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";
import { noSuchNote, noteActor, notes } from "./notes.ts";

describe("the workers mixin", () => {
  let node: ServicesNode;
  const begun: string[] = [];
  const copied: string[] = [];
  const answers: Pick<Envelope, "id" | "source" | "causationid">[] = [];
  let fails = 0;
  let listenMs = 0;
  const service = defineService(notes, {
    mixins: [actorHost({ note: noteActor }), idempotency(), workers()],
    setup: ({ broker }) => ({ scribe: broker.nodeID }),
    actions: {
      write: () => assert.fail("not called"),
      append: () => assert.fail("not called"),
      async read({ params }) {
        const note = await this.actors.note.read(params.id);
        if (!note) throw noSuchNote();
        return note.state;
      },
    },
    workers: {
      async copy({ subject, data }, { answer }) {
        await answer("note.copied", subject, { text: data.text, by: this.scribe });
        copied.push(data.text);
        if (fails-- > 0) throw new Error("the copier is jammed");
      },
      async listen({ id, source, causationid, data }) {
        begun.push(data.by);
        await sleep(listenMs);
        assert.equal(data.by, this.scribe);
        answers.push({ id, source, causationid });
      },
    },
  });
  beforeEach(async () => {
    [fails, listenMs] = [0, 0];
    for (const list of [begun, copied, answers]) list.splice(0);
    node = await startServices([service], { contracts: [notes] });
  });
  afterEach(() => node.close());

  it("hands messages to their workers, with the service as `this`, and sends the answers", async () => {
    const id = newId();
    const options = { source: "/test", at: Date.now() };
    await node.runtime.bus.publish(envelope("note.write", id, { text: "Milk" }, options));
    await eventually("the answer is heard", () => answers.length === 1);
    assert.deepEqual(copied, ["Milk"]);
    assert.equal(answers[0]?.source, "/notes");
    assert.deepEqual(await node.call("notes.read", { id }), { text: "Milk" });
  });

  it("gives an answer that is sent again the same id", async () => {
    fails = 1;
    const message = envelope("note.written", newId(), { text: "Eggs" }, { source: "/test", at: Date.now() });
    await node.runtime.bus.publish(message);
    await eventually("both answers are heard", () => answers.length === 2);
    assert.deepEqual(copied, ["Eggs", "Eggs"]);
    assert.equal(answers[0]?.id, answers[1]?.id);
    assert.deepEqual(new Set(answers.map((it) => it.causationid)), new Set([message.id]));
  });

  it("waits at a stop for what is under way", async () => {
    listenMs = 100;
    const data = { text: "Tea", by: node.broker.nodeID };
    const message = envelope("note.copied", newId(), data, { source: "/test", at: Date.now() });
    const sent = node.runtime.bus.publish(message);
    await eventually("it is being read", () => begun.length === 1);
    assert.equal(answers.length, 0);
    await node.stop();
    await sent;
    assert.equal(answers.length, 1);
  });
});
