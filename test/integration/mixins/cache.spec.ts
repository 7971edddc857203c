import assert from "node:assert/strict";
import { type Service, ServiceBroker } from "moleculer";
import { type CacheParts, cache } from "../../../mixins/cache.ts";
import { type NotifyParts, notify } from "../../../mixins/notify.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

interface Caches {
  names: Map<string, string>;
  numbers: Set<number>;
}
type Phonebook = Service & CacheParts<Caches> & NotifyParts;

describe("the cache mixin", () => {
  const heard: string[] = [];
  const brokers = ["one", "two"].map((nodeID) => {
    const broker = new ServiceBroker({ nodeID, namespace: "cache", transporter: "Fake", logger: false });
    broker.createService({
      name: "phonebook",
      mixins: [cache<Caches>(() => ({ names: new Map(), numbers: new Set() })), notify()],
      events: { "phonebook.notified": () => void heard.push(nodeID) },
    });
    return broker;
  });
  const phonebooks = () => brokers.map((it) => it.getLocalService("phonebook") as Phonebook);
  const sizes = () => phonebooks().map(({ caches: { names, numbers } }) => [names.size, numbers.size]);
  before(async () => {
    await Promise.all(brokers.map((it) => it.start()));
    await eventually("each sees the other", () =>
      brokers.every((it) => it.registry.getNodeList({ onlyAvailable: true }).length === 2),
    );
  });
  beforeEach(() => {
    heard.splice(0);
    for (const { caches } of phonebooks()) {
      caches.names.set("Ann", "1");
      caches.numbers.add(1);
    }
  });
  after(() => Promise.all(brokers.map((it) => it.stop())));

  it("clears the caches here at once, and on other nodes when they hear of it", async () => {
    phonebooks()[0]?.invalidate();
    assert.deepEqual(sizes()[0], [0, 0]);
    await eventually("the other node has heard", () => heard.includes("two"));
    assert.deepEqual(sizes(), [
      [0, 0],
      [0, 0],
    ]);
  });

  it("clears them for any other notification of the service, and lets the service hear it, too", async () => {
    phonebooks()[1]?.notify("names");
    await eventually("both have heard", () => heard.length === 2);
    assert.deepEqual(sizes(), [
      [0, 0],
      [0, 0],
    ]);
  });

  it("makes each instance caches of its own", () => {
    const [one, two] = phonebooks();
    one?.caches.names.clear();
    assert.equal(two?.caches.names.size, 1);
  });
});
