import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "amqplib";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { deadQueueName, queueName, queuesOf, topologyOf } from "../../../broker/bus/topology.ts";
import core from "../../../services/index.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { freePort } from "../../../souk/testing/free-port.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type RabbitPlace, rabbitUrl, spawnRabbit } from "../../support/rabbit/rabbit-process.ts";
import { runScript } from "../../support/scripts/run-script.ts";
import { rabbitBinary } from "../../support/servers/servers.ts";

const PREFIX = "managed";

describe("npm run topology on a RabbitMQ with its management plugin", function () {
  this.timeout(90_000);
  let dir: string;
  let rabbit: ChildProcess | undefined;
  let url: string;
  let api: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-managed-"));
    const apiPort = await freePort();
    const place: RabbitPlace = {
      dir,
      nodeName: `souk-managed-${process.pid}`,
      port: await freePort(),
      distPort: await freePort(),
      configFile: join(dir, "rabbitmq.conf"),
    };
    await writeFile(join(dir, "plugins"), "[rabbitmq_management].\n");
    await writeFile(
      join(dir, "rabbitmq.conf"),
      `management.tcp.port = ${apiPort}\nmanagement.tcp.ip = 127.0.0.1\n`,
    );
    url = rabbitUrl(place);
    api = `http://guest:guest@127.0.0.1:${apiPort}`;
    rabbit = spawnRabbit(
      rabbitBinary(() => undefined),
      place,
    );
    const bus = await createAmqpBus({
      url,
      prefix: PREFIX,
      name: "test",
      log: quietLog(),
      signal: AbortSignal.timeout(60_000),
    });
    await bus.declare(topologyOf(core.contracts, { AMQP_URL: url }));
    await bus.close();
  });
  after(async () => {
    if (rabbit && rabbit.exitCode === null) {
      const gone = once(rabbit, "exit");
      rabbit.kill("SIGTERM");
      await gone;
    }
    await rm(dir, { recursive: true, force: true });
  });

  const topology = async (...args: string[]) => {
    const { code, output } = await runScript("topology", args, { AMQP_URL: url, AMQP_PREFIX: PREFIX });
    return { code, output };
  };

  it("is content with what the shop declares, over both ways", async () => {
    const content = { code: 0, output: `all queues and exchanges of ${PREFIX} are as they should be\n` };
    // What the plugin shows is some seconds old.
    await eventually(
      "the plugin shows it",
      async () => {
        assert.deepEqual(await topology("--api", api), content);
        return true;
      },
      30_000,
    );
    assert.deepEqual(await topology(), content);
  });

  it("fails for queues without dead-letter exchange, quorum type, delivery limit or binding", async () => {
    const [bare, classic, unbound] = queuesOf(topologyOf(core.contracts, { AMQP_URL: url }));
    assert.ok(bare && classic && unbound);
    const [one, two, three] = [bare, classic, unbound].map((it) => queueName(PREFIX, it.name));
    assert.ok(one && two && three);
    const connection = await connect(url);
    const channel = await connection.createChannel();
    for (const it of [one, two]) await channel.deleteQueue(it);
    await channel.assertQueue(one, { durable: true, arguments: { "x-queue-type": "quorum" } });
    await channel.assertQueue(two, { durable: true });
    await channel.unbindQueue(three, PREFIX, unbound.bindings[0] ?? "");
    await channel.bindQueue(three, PREFIX, "bygone.0");
    await connection.close();
    const { output } = await eventually(
      "the plugin shows it",
      async () => {
        const found = await topology("--api", api);
        return found.output.includes("bygone") && found.output.includes(two) && found;
      },
      30_000,
    );
    const expected = [
      `${one}: x-dead-letter-exchange is missing, not ${PREFIX}.dead`,
      `${one}: x-delivery-limit is missing, not 200`,
      `${one}: x-consumer-disconnected-timeout is missing, not 1000`,
      `${three}: is not bound to ${unbound.bindings[0]} of ${PREFIX}`,
      `${three}: is bound to bygone.0 of ${PREFIX}, which it does not receive`,
    ];
    for (const line of expected) assert.ok(output.split("\n").includes(line), `${line}\nin\n${output}`);
    assert.match(
      output,
      new RegExp(`^${two.replaceAll(".", "\\.")}: x-queue-type is (missing|classic), not quorum$`, "m"),
    );
    assert.ok(!output.includes(deadQueueName(three)));
    const overAmqp = await topology();
    assert.equal(overAmqp.code, 1);
    assert.match(overAmqp.output, new RegExp(`^${one.replaceAll(".", "\\.")}: x-`, "m"));
  });
});
