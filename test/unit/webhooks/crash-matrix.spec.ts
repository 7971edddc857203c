/** Webhooks, killed anywhere: also between what was sent and what is noted of it. A receiver applies each event once. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import type { MatrixRun } from "../../../souk/testing/matrix/matrix-run.ts";
import { type Receiver, startReceiver } from "../../support/webhook-endpoint.ts";
import { killedBy, shopOf } from "../actor/support/matrix/matrices.ts";

const BASE = "019b76da-a800-7000-8000-000000000001";
const id = (name: string) => derivedV7(BASE, name);
const [KEPT, CLOSED] = [id("kept"), id("closed")];
const SUBJECTS = ["first", "second"].map(id);
const EVENTS = 3;

interface HookWorld {
  readonly receiver: Receiver;
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

async function hookWorld(): Promise<HookWorld> {
  const receiver = await startReceiver();
  return {
    receiver,
    environment: { WEBHOOKS_ALLOW_PRIVATE: "1", WEBHOOKS_RETRY_FIRST: "0ms" },
    close: receiver.close,
  };
}

describe("Webhooks, killed anywhere", function () {
  this.timeout(120_000);
  crashMatrix<HookWorld>({
    shop: shopOf("webhooks/crash-matrix"),
    world: hookWorld,
    only: killedBy("webhooks/crash-matrix"),
    outboxes: ["webhooks.fanOut", "webhooks.deliveries"],
    async play(run) {
      const { receiver } = run.world;
      run.points.armed = true;
      const hook = { url: receiver.url, types: ["webhook_endpoint.tested"] };
      const { secret } = await run.call("webhooks.create", hook, { resourceId: KEPT });
      receiver.secrets = [secret];
      await run.call("webhooks.create", hook, { resourceId: CLOSED });
      await run.call("webhooks.update", { id: CLOSED, enabled: false });
      await run.rest();
      let failures = 2;
      receiver.answer = (_, res) => res.writeHead(failures-- > 0 ? 503 : 204).end();
      for (let n = 0; n < EVENTS; n++)
        for (const subject of SUBJECTS) run.send("webhook_endpoint.tested", subject, { host: String(n) });
      await run.rest();
      await allDelivered(run);
      run.messages.releaseCopies();
      await run.rest();
      await allDelivered(run);
      checkReceived(run);
      return new Map([KEPT, CLOSED, ...SUBJECTS].map((it) => [it, it]));
    },
    skipIn: { deliveries: ["attempts", "lastAttempts", "position", "status"], endpoint: ["failingSince"] },
    texts: [
      [/http:\/\/127\.0\.0\.1:\d+/g, "the receiver"],
      [/127\.0\.0\.1:\d+/g, "the receiver"],
      [/[A-Za-z0-9_-]{43}/g, "a key"],
    ],
  });
});

/** Deliveries are no outboxes, so the run does not wait for them. */
async function allDelivered(run: MatrixRun<HookWorld>): Promise<void> {
  const deliveries = run.database("webhooks").collection("deliveries");
  const deadline = Date.now() + 10_000;
  while (
    (await deliveries.countDocuments({ endpointId: KEPT, status: "delivered" })) <
    EVENTS * SUBJECTS.length
  ) {
    if (Date.now() > deadline) throw new Error("not everything is delivered");
    await run.alive();
    await sleep(2);
  }
}

/** What a receiver has applied that drops ids which it has: each event once, in order. */
function checkReceived({ world: { receiver } }: MatrixRun<HookWorld>): void {
  assert.deepEqual(receiver.refused, []);
  const applied = new Map(receiver.got.map((it) => [it.id, it.event]));
  assert.equal(applied.size, EVENTS * SUBJECTS.length);
  for (const subject of SUBJECTS)
    assert.deepEqual(
      [...applied.values()].filter((it) => it.subject === subject).map((it) => it.data.host),
      ["0", "1", "2"],
    );
}
