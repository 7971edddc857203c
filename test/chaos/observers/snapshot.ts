/** Everything that is recorded at the end: databases and queues, read directly, without the services. */
import { type ChannelModel, connect } from "amqplib";
import type { Collection, Document, Filter, MongoClient } from "mongodb";
import type { ActorDocument } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import { deadQueueName, queueName, queuesOf, topologyOf } from "../../../broker/bus/topology.ts";
import { type DeliveryState, deliveryActor } from "../../../services/delivery/delivery.actor.ts";
import { type LedgerEntry, ledgerModel } from "../../../services/inventory/ledger.model.ts";
import { type StockState, stockActor } from "../../../services/inventory/stock.actor.ts";
import { orderActor } from "../../../services/orders/order/order.actor.ts";
import type { OrderState } from "../../../services/orders/order/state.ts";
import { type Anomaly, anomalyModel } from "../../../services/payments/anomaly.model.ts";
import type { PaymentState } from "../../../services/payments/payment/state.ts";
import { payments } from "../../../services/payments/payments.contract.ts";
import {
  COLLECTION as SANDBOX,
  type SandboxPayment,
} from "../../../services/payments/providers/sandbox/sandbox.model.ts";
import { PREFIX } from "../cluster/cluster.ts";
import { recordedShop } from "../cluster/message-recorder.contract.ts";

/** A message that lies in a dead queue. */
export interface Dead {
  queue: string;
  id: string;
}

export interface Snapshot {
  orders: ActorDocument<OrderState>[];
  stock: ActorDocument<StockState>[];
  payments: ActorDocument<PaymentState>[];
  deliveries: ActorDocument<DeliveryState>[];
  ledger: LedgerEntry[];
  anomalies: Anomaly[];
  /** The provider's own. */
  sandbox: SandboxPayment[];
  /** What the shop stores about the keys of `POST /orders`: the key, and the id of its order. */
  keys: { key: string; orderId: string }[];
  /** How many messages each actor of any service has sent, by `<actor type>/<id>`. */
  sent: ReadonlyMap<string, number>;
  /** Documents of any kind with messages that were not sent, as `database.collection/id`. */
  outboxes: string[];
  /** Documents with timers that should have fired, likewise. */
  dueTimers: string[];
  /** How many messages wait, by queue; those with none are left out. */
  waiting: ReadonlyMap<string, number>;
  dead: Dead[];
  /** How many live queues there are; each has a dead one. */
  queues: number;
  /** How many collections were looked into. */
  collections: number;
}

/** A timer may be this late, in milliseconds. */
const TIMER_GRACE_MS = 3_000;

/** @param at until when timers were to fire, in milliseconds since the epoch: when the nodes began to stop */
export async function takeSnapshot(client: MongoClient, amqpUrl: string, at: number): Promise<Snapshot> {
  const all = <T extends Document>(service: string, collection: string) =>
    documents<T>(client, service, collection);
  return {
    orders: await all("orders", orderActor.collection),
    stock: await all("inventory", stockActor.collection),
    payments: await all("payments", payments.actors.payment.collection),
    deliveries: await all("delivery", deliveryActor.collection),
    ledger: await all("inventory", ledgerModel.collection),
    anomalies: await all("payments", anomalyModel.collection),
    sandbox: await all("payments", SANDBOX),
    keys: await orderKeys(client),
    sent: await sentByActors(client),
    outboxes: await withOutbox(client),
    dueTimers: await documentsWith(client, dueTimers(at)),
    collections: (await collectionsOf(client)).length,
    ...(await readQueues(amqpUrl)),
  };
}

/** As services have written them; the driver's types can't know more. */
function documents<T extends Document>(
  client: MongoClient,
  service: string,
  collection: string,
): Promise<T[]> {
  return client.db(`souk_${service}`).collection(collection).find<T>({}).toArray();
}

async function orderKeys(client: MongoClient): Promise<Snapshot["keys"]> {
  const records = await documents<{ _id: string; resourceId: string }>(client, "orders", "idempotency_keys");
  return records.flatMap(({ _id, resourceId }) => {
    const [caller = "", action, ...key] = _id.split("/");
    return action === "orders.place" ? [{ key: `${caller}/${key.join("/")}`, orderId: resourceId }] : [];
  });
}

async function sentByActors(client: MongoClient): Promise<Snapshot["sent"]> {
  const sent = new Map<string, number>();
  for (const { service, actors } of recordedShop.contracts)
    for (const [type, { collection = type }] of Object.entries(actors)) {
      const all = client
        .db(`souk_${service}`)
        .collection<Pick<ActorDocument<object>, "_id" | "sent">>(collection);
      for await (const it of all.find({}, { projection: { sent: 1 } }))
        sent.set(`${type}/${it._id}`, it.sent);
    }
  return sent;
}

const withOutbox = (client: MongoClient) => documentsWith(client, { "outbox.0": { $exists: true } });
const dueTimers = (at: number) => ({ "timers.due": { $lte: new Date(at - TIMER_GRACE_MS) } });

/** How many documents have messages to send, and timers: where there is an index for it, so at little cost. */
export async function lookForWork(client: MongoClient): Promise<{ outboxes: number; timers: number }> {
  const found = { outboxes: 0, timers: 0 };
  for (const collection of await collectionsOf(client)) {
    const indexed = (await collection.indexes()).flatMap(({ key }) => Object.keys(key));
    if (indexed.includes("outbox.at"))
      found.outboxes += await collection.countDocuments({ "outbox.at": { $exists: true } });
    if (indexed.includes("timers.due"))
      found.timers += await collection.countDocuments({ "timers.due": { $exists: true } });
  }
  return found;
}

/** All collections of the shop, so that new ones are included. */
async function collectionsOf(client: MongoClient): Promise<Collection[]> {
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  const own = databases.filter(({ name }) => name.startsWith("souk_")).map(({ name }) => client.db(name));
  const lists = await Promise.all(own.map((db) => db.listCollections({}, { nameOnly: true }).toArray()));
  return lists.flatMap((list, i) => list.flatMap(({ name }) => own[i]?.collection(name) ?? []));
}

async function documentsWith(client: MongoClient, filter: Filter<Document>): Promise<string[]> {
  const found: string[] = [];
  for (const collection of await collectionsOf(client))
    for await (const { _id } of collection.find(filter, { projection: { _id: 1 } }))
      found.push(`${collection.namespace}/${_id}`);
  return found;
}

export const queueNames = () =>
  queuesOf(topologyOf(recordedShop.contracts)).map(({ name }) => queueName(PREFIX, name));

/** Messages that wait in live queues, by queue. */
export async function waitingMessages(connection: ChannelModel): Promise<Map<string, number>> {
  const channel = await connection.createChannel();
  try {
    const waiting = new Map<string, number>();
    for (const queue of queueNames()) {
      const { messageCount } = await channel.checkQueue(queue);
      if (messageCount > 0) waiting.set(queue, messageCount);
    }
    return waiting;
  } finally {
    await channel.close();
  }
}

async function readQueues(url: string): Promise<Pick<Snapshot, "waiting" | "dead" | "queues">> {
  const connection = await connect(url);
  try {
    const names = queueNames();
    const dead: Dead[] = [];
    const channel = await connection.createChannel();
    for (const name of names) {
      const queue = deadQueueName(name);
      for (let it = await channel.get(queue); it; it = await channel.get(queue))
        dead.push({ queue: name, id: String(it.properties.messageId ?? "") });
    }
    return { waiting: await waitingMessages(connection), dead, queues: names.length };
  } finally {
    await connection.close();
  }
}
