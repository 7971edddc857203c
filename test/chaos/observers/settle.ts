/** Waits until nothing is in progress. Only then must a snapshot be consistent. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import type { Document, Filter, MongoClient } from "mongodb";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import { payments } from "../../../services/payments/payments.contract.ts";
import { COLLECTION as SANDBOX } from "../../../services/payments/providers/sandbox/sandbox.model.ts";
import { notEmpty, type QueueState } from "../cluster/queues.ts";
import { lookForWork, queueNames, waitingMessages } from "./snapshot.ts";

export interface Settled {
  ms: number;
  /** What was still in progress when time was up. Empty where everything was idle. */
  left: readonly string[];
}

const LOOK_EVERY_MS = 1_000;
/** This many checks in a row must find nothing. A message in progress is in no queue for a moment. */
const QUIET_LOOKS = 2;
/** Orders that continue without a customer. */
const MOVING = ["placed", "awaiting_payment", "delivery_failed"];

export interface SettleOptions {
  client: MongoClient;
  amqpUrl: string;
  /** It costs more than a check over AMQP. So it is used only where that finds nothing, and at the end. */
  queueStates(): Promise<QueueState[]>;
  boundMs: number;
  progress(left: readonly string[]): void;
}

export async function settle(options: SettleOptions): Promise<Settled> {
  const { client, amqpUrl, boundMs, progress } = options;
  const names = new Set(queueNames());
  const unsettled = async () => notEmpty(await options.queueStates(), names);
  const look = async () => {
    const found = await underWay(client, amqpUrl);
    return found.length > 0 ? found : unsettled();
  };
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  let left: readonly string[] = ["nobody has looked yet"];
  for (let quiet = 0; elapsed() < boundMs; await sleep(LOOK_EVERY_MS)) {
    left = await look().catch((error: Error) => [`could not look: ${error.message}`]);
    quiet = left.length === 0 ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) break;
    if (left.length > 0) progress(left);
  }
  const ms = elapsed();
  if (left.length === 0) return { ms, left };
  const held = await unsettled().catch((error: Error) => [`could not ask for the queues: ${error.message}`]);
  return { ms, left: [...new Set([...left, ...held])] };
}

async function underWay(client: MongoClient, amqpUrl: string): Promise<string[]> {
  const count = (service: string, collection: string, filter: Filter<Document>) =>
    client.db(`souk_${service}`).collection(collection).countDocuments(filter);
  const connection = await connect(amqpUrl, { timeout: 2_000 });
  const waiting = await waitingMessages(connection).finally(() => connection.close());
  const { outboxes, timers } = await lookForWork(client);
  const counts: [number, string][] = [
    [[...waiting.values()].reduce((a, b) => a + b, 0), `messages in ${[...waiting.keys()].join(", ")}`],
    [await count("orders", orderActor.collection, { "state.status": { $in: MOVING } }), "orders that move"],
    [
      await count("payments", payments.actors.payment.collection, { "state.status": "requested" }),
      "payments to open",
    ],
    [
      await count("payments", payments.actors.payment.collection, { "state.refunds.status": "pending" }),
      "refunds to make",
    ],
    [await count("payments", SANDBOX, { deliverAt: { $exists: true } }), "webhooks to deliver"],
    [outboxes, "outboxes"],
    // Also those that are not due yet. One that fires while the nodes stop would leave its message in a queue.
    [timers, "timers"],
  ];
  return counts.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : []));
}
