/** Partitions of nodes that join, leave and lose their connections while no message shows who owns which. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { SIDES, tally } from "./support/tally.ts";
import { ACTORS, type TallyCluster, tallyCluster } from "./support/tally-cluster.ts";

/** Changes are announced within a second, and partitions move after another. */
const QUIET_MS = 6_000;
/** In addition, the registry keeps a crashed node for 8 s. */
const DEATH_MS = 9_000;

describe("Partitions of nodes without messages", function () {
  this.timeout(240_000);
  let dir: string;
  let mongo: EmbeddedMongo;
  let broker: AmqpBroker;
  let bus: Bus;
  let proxy: TcpProxy;
  let cluster: TallyCluster;
  let sent = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-partitions-"));
    mongo = await startEmbeddedMongo({ dir, sync: "normal", listen: { host: "127.0.0.1", port: 0 } });
    broker = await amqpBroker([tally]);
    bus = await createAmqpBus({ url: amqpUrl, prefix: broker.prefix, name: "tester", log: silentLog });
    await bus.declare(topologyOf([tally]));
    proxy = await tcpProxy(amqpUrl);
    cluster = tallyCluster(mongo.uri, broker.prefix, proxy.via(amqpUrl));
  });
  after(async () => {
    for (const name of cluster?.nodes.keys() ?? []) await cluster.leave(name, "SIGKILL");
    await bus?.close();
    await broker?.close();
    await proxy?.close();
    await mongo?.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** Sends nothing for a while, then one message for each partition, which shows the owners. */
  async function sharesAfter(quietMs: number): Promise<number[][]> {
    await sleep(quietMs);
    const n = ++sent;
    const at = Date.now();
    const send = (side: (typeof SIDES)[number], actor: string) =>
      bus.publish({
        ...envelope(`tally.${side}`, actor, { n }, { source: "/test", at }),
        sender: `tester/${actor}`,
        sequence: n,
      });
    await Promise.all(SIDES.flatMap((side) => ACTORS.map((actor) => send(side, actor))));
    const all = SIDES.length * ACTORS.length;
    await eventually(
      "all are handled",
      () => [...cluster.served.values()].filter((it) => it.at >= at).length === all,
    );
    return SIDES.map((side) => [...cluster.shares(side).values()]);
  }
  const assertEven = async (quietMs = QUIET_MS) => {
    for (const shares of await sharesAfter(quietMs))
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, `${shares}`);
  };

  it("are even when two nodes start at once", async () => {
    await Promise.all(["n1", "n2"].map((it) => cluster.join(it)));
    await assertEven();
  });

  it("are even when one is killed and is back under its name before anybody has noticed", async () => {
    await cluster.leave("n2", "SIGKILL");
    await cluster.join("n2");
    await assertEven();
  });

  it("are even when one is stopped in order and is back under its name", async () => {
    await cluster.leave("n1", "SIGTERM");
    await cluster.join("n1");
    await assertEven();
  });

  it("are even when all have lost their connections, and when one joins after that", async () => {
    proxy.cut();
    await assertEven();
    await cluster.join("n3");
    await assertEven();
    await cluster.leave("n1", "SIGKILL");
    await assertEven(QUIET_MS + DEATH_MS);
  });
});
