/** Partitions while nodes join and leave under load: real processes, real RabbitMQ, every message accounted for. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { MongoClient } from "mongodb";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import type { Bus } from "../../../broker/bus/bus.ts";
import { topologyOf } from "../../../broker/bus/topology.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type AmqpBroker, amqpBroker, amqpUrl } from "../../support/bus/amqp-broker.ts";
import { SIDES, type Side, type TallyState, tally } from "./support/tally.ts";
import { ACTORS, type TallyCluster, tallyCluster } from "./support/tally-cluster.ts";

/** One message for each actor so often. */
const EVERY_MS = 100;
const KILLED_MS = 1_000;
const FROZEN_MS = 15_000;

/** Sends each actor 1, 2, 3 … in order, and repeats what RabbitMQ has not confirmed. */
class Load {
  readonly sent = new Map<string, number>();
  readonly #bus: Bus;
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const lines = SIDES.flatMap((side) => ACTORS.map((actor) => this.#line(side, actor)));
    await Promise.all(lines);
  }

  async #line(side: Side, actor: string): Promise<void> {
    await sleep(Math.random() * EVERY_MS);
    for (let n = 1; !this.#stopped; n++) {
      const options = { source: "/test", at: Date.now() };
      await this.#bus.publish({
        ...envelope(`tally.${side}`, actor, { n }, options),
        sender: `tester/${actor}`,
        sequence: n,
      });
      this.sent.set(`${side}/${actor}`, n);
      await sleep(EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }
}

describe("Partitions of nodes that come and go under load", function () {
  this.timeout(240_000);
  let dir: string;
  let mongo: EmbeddedMongo;
  let client: MongoClient;
  let broker: AmqpBroker;
  let bus: Bus;
  let cluster: TallyCluster;
  let load: Load;

  const tallies = async (): Promise<Map<string, TallyState>> => {
    const found = new Map<string, TallyState>();
    for (const side of SIDES)
      for (const { _id, state } of await client.db(broker.prefix).collection(`tally${side}`).find().toArray())
        found.set(`${side}/${_id}`, state as TallyState);
    return found;
  };
  const disorder = async () => [...(await tallies()).values()].reduce((sum, it) => sum + it.disorder, 0);
  const note = (line: string) => console.log(`      ${line}`);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-partitions-"));
    mongo = await startEmbeddedMongo({ dir, sync: "normal", listen: { host: "127.0.0.1", port: 0 } });
    client = await MongoClient.connect(mongo.uri);
    broker = await amqpBroker([tally]);
    bus = await createAmqpBus({ url: amqpUrl, prefix: broker.prefix, name: "tester", log: silentLog });
    await bus.declare(topologyOf([tally]));
    cluster = tallyCluster(mongo.uri, broker.prefix, amqpUrl);
    await Promise.all(["n1", "n2", "n3"].map((it) => cluster.join(it)));
    load = new Load(bus);
  });
  after(async () => {
    await load?.stop();
    for (const name of cluster?.nodes.keys() ?? []) {
      cluster.signal(name, "SIGCONT");
      await cluster.leave(name, "SIGKILL");
    }
    await bus?.close();
    await broker?.close();
    await client?.close();
    await mongo?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it("are shared evenly by three nodes, for each actor type", async () => {
    note(`even after ${await cluster.even()} ms`);
  });

  it("are shared evenly by four when one joins, and by three when one leaves in order, and messages keep theirs", async () => {
    await cluster.join("n4");
    note(`four nodes: even after ${await cluster.even()} ms`);
    await cluster.leave("n1", "SIGTERM");
    note(`three nodes: even after ${await cluster.even()} ms`);
    assert.equal(await disorder(), 0);
  });

  it(`are served again within ${KILLED_MS} ms of their owner's kill -9, and evenly by the two that are left`, async () => {
    const keys = cluster.held("n2");
    assert.ok(keys.length >= 8, `n2 holds ${keys.length}`);
    await cluster.leave("n2", "SIGKILL");
    const took = await cluster.servedElsewhere(keys, "n2", Date.now(), 10_000);
    note(`${keys.length} partitions served again after ${took} ms`);
    assert.ok(took <= KILLED_MS, `${took} ms`);
    note(`two nodes: even after ${await cluster.even()} ms`);
  });

  it(`are served again within ${FROZEN_MS} ms of their owner's freeze, and go on when it wakes up`, async () => {
    const keys = cluster.held("n3");
    assert.ok(keys.length >= 12, `n3 holds ${keys.length}`);
    cluster.signal("n3", "SIGSTOP");
    const took = await cluster.servedElsewhere(keys, "n3", Date.now(), 2 * FROZEN_MS);
    note(`${keys.length} partitions served again after ${took} ms`);
    assert.ok(took <= FROZEN_MS, `${took} ms`);
    cluster.signal("n3", "SIGCONT");
    note(`awake again: even after ${await cluster.even()} ms`);
  });

  it("have lost nothing and applied nothing twice", async () => {
    await load.stop();
    const { sent } = load;
    await eventually(
      "all is counted",
      async () => {
        const found = await tallies();
        return [...sent].every(([key, n]) => (found.get(key)?.last ?? 0) >= n);
      },
      30_000,
    );
    let total = 0;
    for (const [key, state] of await tallies()) {
      const n = sent.get(key) ?? 0;
      total += n;
      assert.deepEqual([state.count, state.sum], [n, (n * (n + 1)) / 2], `${key}: how many, and their sum`);
    }
    note(`${total} messages, each once; ${await disorder()} of them after a later one`);
  });
});
