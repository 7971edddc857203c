import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAmqpBus } from "../../../broker/bus/amqp/amqp-bus.ts";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type RabbitCluster, startRabbitCluster } from "../../support/rabbit/rabbit-cluster.ts";
import { rabbitBinary } from "../../support/servers/servers.ts";

const PASSWORD = "a-password-of-the-limited";
const spec = { actor: "thing", partitions: 1, receives: ["thing.do"] };

describe("A user of RabbitMQ who lacks a right", function () {
  this.timeout(180_000);
  let dir: string;
  let rabbit: RabbitCluster;
  const url = () => rabbit.urls[0]?.replace("guest:guest", `limited:${PASSWORD}`) ?? "";
  /** Makes the user anew. Patterns of what may be configured, written and read. */
  const allow = async (...patterns: [configure: string, write: string, read: string]) => {
    await rabbit.ctl(0, "set_permissions", "-p", "/", "limited", ...patterns);
  };
  const is = (reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, /^AMQP_URL: RabbitMQ at \S+ does not /);
    assert.match(error.message, reason);
    assert.ok(!error.message.includes(PASSWORD));
    return true;
  };
  const start = async (then: (bus: Awaited<ReturnType<typeof createAmqpBus>>) => Promise<unknown>) => {
    const bus = await createAmqpBus({ url: url(), prefix: "rights", name: "test", log: quietLog() });
    try {
      await then(bus);
    } finally {
      await bus.close();
    }
  };
  const declare = () => start((bus) => bus.declare({ mailboxes: [spec], workers: [], taps: [] }));

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "souk-rights-"));
    rabbit = await startRabbitCluster(
      rabbitBinary(() => undefined),
      dir,
      1,
    );
    await rabbit.ctl(0, "add_user", "limited", PASSWORD);
  });
  after(async () => {
    await rabbit?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is told which virtual host it can't enter", () =>
    assert.rejects(declare(), is(/let the user limited into the virtual host \/$/)));

  it("is told what it may not declare", async () => {
    await allow("^nothing$", ".*", ".*");
    await assert.rejects(declare(), is(/ACCESS_REFUSED .*exchange 'rights'/));
    await allow(".*", "^nothing$", ".*");
    await assert.rejects(declare(), is(/ACCESS_REFUSED .*queue 'rights\./));
  });

  it("is told what it may not consume, where all has been declared before", async () => {
    await allow(".*", ".*", ".*");
    await declare();
    await allow(".*", ".*", "^rights$|^rights\\.dead$|^rights\\.declared");
    await assert.rejects(
      start(async (bus) => {
        await bus.declare({ mailboxes: [spec], workers: [], taps: [] });
        await bus.consumeMailboxes(spec, { onDelivery: () => undefined, onLost: () => undefined });
      }),
      is(/ACCESS_REFUSED .*queue 'rights\.thing\.0'/),
    );
  });
});
