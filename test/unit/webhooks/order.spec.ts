/** Whatever fails, and whichever sender is stopped: events of one subject are delivered in their order. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import { deliveryStore, newDelivery } from "../../../services/webhooks/deliveries/delivery-store.ts";
import { EndpointSender } from "../../../services/webhooks/deliveries/endpoint-sender.ts";
import "../../../services/webhooks/webhooks.contract.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { type Receiver, startReceiver } from "../../support/webhook-endpoint.ts";

const KEY = randomBytes(32);
const times = { retryFor: 60_000, retention: 60_000 };

describe("The order of webhooks", function () {
  this.timeout(60_000);
  let database: MemoryDatabase;
  let receiver: Receiver;

  before(async () => {
    database = await openMemoryDatabase();
    receiver = await startReceiver();
    receiver.secrets = [`whsec_${KEY.toString("base64")}`];
  });
  after(async () => {
    await receiver.close();
    await database.close();
  });

  it("is kept per subject over failures and stops", async () => {
    const store = deliveryStore(database.service("webhooks"));
    const outcome = fc.constantFrom(200, 200, 200, 500, 429, 302, "broken off", "sender dies");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(2), { minLength: 1, maxLength: 20 }),
        fc.array(outcome, { maxLength: 12 }),
        async (subjects, outcomes) => {
          const endpoint = { id: newId(), url: receiver.url, failing: false, wants: () => true };
          const left = [...outcomes];
          receiver.got.length = 0;
          let dying = false;
          receiver.answer = (_, res) => {
            const next = left.shift() ?? 200;
            if (typeof next === "number") res.writeHead(next).end();
            else if (next === "broken off") res.destroy();
            else {
              dying = true;
              res.end();
            }
          };
          const senders: EndpointSender[] = [];
          const start = () => {
            let dead = false;
            const sender = new EndpointSender(endpoint, {
              store,
              clock: systemClock,
              settings: { allowPrivate: true, concurrency: 3, timeoutMs: 2_000, firstMs: 1 },
              keysOf: async () => [KEY],
              report: async () => undefined,
              onTrouble: (error) => assert.fail(error),
              // It has sent, and notes nothing any more.
              point: (name) => {
                if (name !== "before-commit" || !(dying || dead)) return undefined;
                dead = true;
                if (dying) {
                  dying = false;
                  start();
                }
                return new Promise(() => undefined);
              },
            });
            senders.push(sender);
            sender.wake();
          };
          const lanes = [newId(), newId(), newId()];
          for (const [n, lane] of subjects.entries()) {
            const subject = lanes[lane] ?? "";
            const event = envelope(
              "webhook_endpoint.tested",
              subject,
              { host: String(n) },
              { source: "/w", at: 0 },
            );
            await store.collection.insertOne(newDelivery(endpoint.id, event, Date.now(), times));
          }
          start();
          while (await store.collection.findOne({ endpointId: endpoint.id, status: "waiting" })) {
            await sleep(2);
            senders.at(-1)?.wake();
          }
          const applied = [...new Map(receiver.got.map((it) => [it.id, it.event])).values()];
          for (const [lane, subject] of lanes.entries())
            assert.deepEqual(
              applied.filter((it) => it.subject === subject).map((it) => Number(it.data.host)),
              subjects.flatMap((it, n) => (it === lane ? [n] : [])),
            );
          assert.equal(applied.length, subjects.length);
          await Promise.race([Promise.all(senders.map((it) => it.stop())), sleep(20)]);
        },
      ),
      { numRuns: 15 },
    );
  });
});
