import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { AmqpTransporter } from "../../../broker/moleculer/transport/amqp-transporter.ts";
import { FastDiscoverer } from "../../../broker/moleculer/transport/fast-discoverer.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const TIMEOUT_S = 4;

describe("The discovery of nodes that hang", function () {
  this.timeout(40_000);
  let proxy: TcpProxy;
  let watcher: ServiceBroker;
  let other: ServiceBroker;
  let lost: string[];

  beforeEach(async () => {
    proxy = await tcpProxy(AMQP_URL);
    lost = [];
    const namespace = `test-${randomUUID().slice(0, 8)}`;
    const node = (nodeID: string, url: string) =>
      new ServiceBroker({
        nodeID,
        namespace,
        logger: false,
        transporter: new AmqpTransporter(url, { autoDeleteQueues: 10_000 }),
        registry: { discoverer: new FastDiscoverer() },
        heartbeatInterval: 1,
        heartbeatTimeout: TIMEOUT_S,
        skipProcessEventRegistration: true,
      });
    watcher = node("watcher", proxy.via(AMQP_URL));
    other = node("other", AMQP_URL);
    watcher.localBus.on("$node.disconnected", (it: { node: { id: string } }) => lost.push(it.node.id));
    await Promise.all([watcher.start(), other.start()]);
    await eventually("they know each other", () => isKnown());
  });

  afterEach(async () => {
    proxy.allow();
    await Promise.all([watcher.stop(), other.stop()]);
    await proxy.close();
  });

  const isKnown = () =>
    watcher.registry.getNodeList({ onlyAvailable: true }).some((it: { id: string }) => it.id === "other");

  it("comes soon after their time is over, and ends when they are heard again", async () => {
    const { discoverer } = other.registry;
    // Two of its heartbeats have been heard, so that its time is counted from the last.
    await sleep(2_500);
    discoverer.stopHeartbeatTimers();
    const since = Date.now();
    await eventually("it counts as gone", () => lost.includes("other"), TIMEOUT_S * 1_000 + 3_000);
    assert.ok(Date.now() - since > (TIMEOUT_S - 2) * 1_000, "not before its time is over");
    discoverer.startHeartbeatTimers();
    await eventually("it is back", isKnown);
  });

  it("asks again for a list of services that was lost on its way", async () => {
    const { tx } = other.transit as { tx: { send: (...args: unknown[]) => Promise<void> } };
    const { send } = tx;
    let lostLists = 0;
    tx.send = async (...args) => {
      const { packet } = args[2] as { packet: { type: string; target?: string } };
      if (packet.type !== "INFO" || packet.target) return send.apply(tx, args);
      lostLists++;
    };
    other.createService({ name: "late", actions: { none: () => null } });
    await eventually("the others are told, in vain", () => lostLists > 0);
    await watcher.waitForServices("late", 5_000, 50);
    tx.send = send;
  });

  it("does not take others for gone because it was cut off itself", async () => {
    await sleep(2_500);
    proxy.refuse();
    await sleep((TIMEOUT_S + 2) * 1_000);
    proxy.allow();
    const { transit } = watcher;
    await eventually("it is connected again", () => transit?.connected === true);
    await sleep(3_000);
    assert.deepEqual(lost, []);
    assert.ok(isKnown());
  });
});
