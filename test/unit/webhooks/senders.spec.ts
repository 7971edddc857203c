/** Several nodes share the endpoints: one sends to each, and another goes on when it is gone. */
import assert from "node:assert/strict";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { deliveryStore, newDelivery } from "../../../services/webhooks/deliveries/delivery-store.ts";
import { forgetPerson } from "../../../services/webhooks/deliveries/forget-person.ts";
import { Senders } from "../../../services/webhooks/deliveries/senders.ts";
import "../../../services/webhooks/webhooks.contract.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { type Receiver, startReceiver } from "../../support/webhook-endpoint.ts";

const KEY = Buffer.alloc(32, 7);

describe("The senders of webhooks", function () {
  this.timeout(20_000);
  let database: MemoryDatabase;
  let receiver: Receiver;
  const time = { now: Date.now() };
  const clock = { now: () => time.now };
  const running: Senders[] = [];

  before(async () => {
    database = await openMemoryDatabase();
    receiver = await startReceiver();
    receiver.secrets = [`whsec_${KEY.toString("base64")}`];
  });
  after(async () => {
    await Promise.all(running.map((it) => it.stop()));
    await receiver.close();
    await database.close();
  });

  const endpoint = () => ({ id: newId(), url: receiver.url, failing: false, wants: () => true });
  const times = { retryFor: 60_000, retention: 60_000 };

  function node(holder: string, endpoints: ReturnType<typeof endpoint>[], sent: string[]): Senders {
    const service = database.service("webhooks");
    const senders = new Senders({
      database: service,
      clock,
      listeners: {
        get: async () => ({ endpoints, streaming: false }),
        changed: () => undefined,
        follow: async () => false,
      },
      holder,
      isSoleWriter: false,
      everyMs: 10,
      alsoDo: async () => undefined,
      onTrouble: (error) => assert.fail(error),
      tools: {
        store: deliveryStore(service),
        clock,
        settings: { allowPrivate: true, concurrency: 2, timeoutMs: 2_000, firstMs: 10 },
        keysOf: async () => {
          sent.push(holder);
          return [KEY];
        },
        report: async () => undefined,
        onTrouble: (error) => assert.fail(error),
        point: () => undefined,
      },
    });
    running.push(senders);
    senders.start();
    return senders;
  }

  it("leave an endpoint to one of them, until that stops or its lease is over", async () => {
    const { collection } = deliveryStore(database.service("webhooks"));
    const hook = endpoint();
    const send = async () => {
      const event = envelope(
        "webhook_endpoint.tested",
        newId(),
        { host: "a" },
        { source: "/w", at: time.now },
      );
      await collection.insertOne(newDelivery(hook.id, event, time.now, times));
    };
    const allSent = () =>
      eventually(
        "all is sent",
        async () => !(await collection.findOne({ endpointId: hook.id, status: "waiting" })),
      );
    const sent: string[] = [];
    const first = node("first", [hook], sent);
    await send();
    await allSent();
    node("second", [hook], sent);
    for (let n = 0; n < 10; n++) await send();
    await allSent();
    assert.deepEqual([...new Set(sent)], ["first"]);
    await first.stop();
    sent.length = 0;
    await send();
    await allSent();
    assert.deepEqual(sent, ["second"]);

    // A node that died renews its lease no more.
    const leases = database.service("webhooks").collection<{ _id: string }>("sender_leases");
    const until = new Date(time.now + 10_000);
    const other = endpoint();
    await leases.insertOne({ _id: other.id, holder: "dead", until } as { _id: string });
    const late: string[] = [];
    node("third", [other], late);
    const event = envelope("webhook_endpoint.tested", newId(), { host: "b" }, { source: "/w", at: time.now });
    await collection.insertOne(newDelivery(other.id, event, time.now, times));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(late, []);
    time.now += 10_001;
    await eventually("the third has taken over", async () => late.length === 1);
  });

  it("forget what was delivered about an account that is erased", async () => {
    const store = deliveryStore(database.service("webhooks"));
    const [person, hook] = [newId(), newId()];
    const about = (customerId: string, status: "delivered" | "waiting") => {
      const event = {
        ...envelope("webhook_endpoint.tested", newId(), { host: "a" }, { source: "/w", at: 0 }),
      };
      return { ...newDelivery(hook, { ...event, data: { customerId } }, time.now, times), status };
    };
    const [done, waiting, others] = [
      about(person, "delivered"),
      about(person, "waiting"),
      about(newId(), "delivered"),
    ];
    await store.collection.insertMany([done, waiting, others]);
    await forgetPerson(store, { userId: person });
    const left = await store.collection.find({ endpointId: hook }).toArray();
    assert.deepEqual(left.map((it) => it._id).sort(), [waiting._id, others._id].sort());
    assert.deepEqual(left.find((it) => it._id === waiting._id)?.keptUntil, waiting.giveUpAt);
  });
});
