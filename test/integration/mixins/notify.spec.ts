import assert from "node:assert/strict";
import { type Context, type Service, ServiceBroker } from "moleculer";
import { type Notification, type NotifyParts, notificationOf, notify } from "../../../mixins/notify.ts";
import { eventually } from "../../../souk/testing/eventually.ts";

describe("the notify mixin", () => {
  const heard: string[] = [];
  const listener = (group?: string) => ({
    events: {
      [notificationOf("weather")]: {
        ...(group && { group }),
        handler(this: Service, { params }: Context<Notification>) {
          heard.push(`${this.name} of ${this.broker.nodeID}: ${params.subject}`);
        },
      },
    },
  });
  const brokers = ["one", "two"].map((nodeID) => {
    const broker = new ServiceBroker({ nodeID, namespace: "notify", transporter: "Fake", logger: false });
    broker.createService({ name: "weather", mixins: [notify()], ...listener() });
    broker.createService({ name: "harbour", ...listener("weather") });
    broker.createService({ name: "stranger", ...listener() });
    return broker;
  });
  before(async () => {
    await Promise.all(brokers.map((it) => it.start()));
    await Promise.all(brokers.map((it) => it.waitForServices(["weather", "harbour", "stranger"])));
    await eventually("each sees the other", () =>
      brokers.every((it) => it.registry.getNodeList({ onlyAvailable: true }).length === 2),
    );
  });
  after(() => Promise.all(brokers.map((it) => it.stop())));

  it("tells each node's instance of the service, and who listens in its group", async () => {
    const [weather] = brokers.map((it) => it.getLocalService("weather") as Service & NotifyParts);
    weather?.notify("storm");
    await eventually("all have heard", () => heard.length >= 4);
    assert.deepEqual(heard.sort(), [
      "harbour of one: storm",
      "harbour of two: storm",
      "weather of one: storm",
      "weather of two: storm",
    ]);
  });
});
