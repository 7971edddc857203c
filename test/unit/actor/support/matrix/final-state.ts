/** What a run has come to: every document of every service, without what may differ between two runs. */
import { Binary, ObjectId } from "mongodb";
import { collectionsOf, SERVICES, type ShopRun } from "./shop-run.ts";
import { customerOf, LABELS, type Label } from "./shop-script.ts";

/** By service and collection, in order of their text. */
export type FinalState = Record<string, unknown[]>;

/** How a run was carried out, not what it has come to. */
const LEFT_OUT = /^(migrations|idempotency_keys|signing_keys|bootstrap_tokens|\w+_inbox)$/;
/** Fields that count steps, or number things in the order in which they came. */
const STEPS = new Set([
  ...[
    "version",
    "inbox",
    "inboxUntil",
    "sent",
    "commit",
    "generation",
    "nextGeneration",
    "revision",
    "rev",
    "writes",
  ],
  ...["addedAt", "number", "orderNumber", "seq"],
]);
/** Whether the sandbox has noted already that its report has arrived. */
const IN_SANDBOX = new Set([...STEPS, "delivery", "deliverAt"]);
/** A balance after a movement depends on the order of the others; the movements themselves do not. */
const IN_LEDGER = new Set([...STEPS, "onHand", "_id"]);

const BY_NUMBER = new Set([...STEPS, "_id"]);

const SKIP: Record<string, ReadonlySet<string>> = {
  ledger: IN_LEDGER,
  sandbox_payments: IN_SANDBOX,
  order_numbers: BY_NUMBER,
};

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** Invoices are numbered as they are issued. */
const SERIAL = /\b\d{4}-\d{6}\b/g;
/** The sandbox's, Stripe's and Xendit's ids. */
const REF = /[A-Za-z0-9_-]{43}|\b(?:pi|ch|evt|ewc)_[A-Za-z0-9]{16,}|\b[a-z0-9]{24}\b/g;

export async function finalState(run: ShopRun, orders: ReadonlyMap<string, Label>): Promise<FinalState> {
  const names = await nameIds(run, orders);
  const state: FinalState = {};
  for (const service of SERVICES)
    for (const { name, collection } of await collectionsOf(run.database(service))) {
      if (LEFT_OUT.test(name)) continue;
      const documents = await collection.find().toArray();
      const skip = SKIP[name] ?? STEPS;
      const plain = documents.map((it) => normal(it, names, skip));
      if (plain.length > 0)
        state[`${service}.${name}`] = plain
          .map((it) => JSON.stringify(it))
          .sort()
          .map((it) => JSON.parse(it) as unknown);
    }
  return state;
}

/** Ids are random: they get the names of the orders that they belong to. */
async function nameIds(run: ShopRun, orders: ReadonlyMap<string, Label>): Promise<Map<string, string>> {
  const names = new Map<string, string>(orders);
  for (const label of LABELS) names.set(customerOf(label), `customer of ${label}`);
  for (const collection of ["payments", "delivery"])
    for (const { _id, state } of await run.database(collection).collection(collection).find().toArray()) {
      const label = orders.get(String(state.orderId));
      if (label) names.set(String(_id), `${collection} of ${label}`);
    }
  return names;
}

function normal(value: unknown, names: ReadonlyMap<string, string>, skip: ReadonlySet<string>): unknown {
  if (typeof value === "string")
    return value
      .replaceAll(UUID, (id) => names.get(id) ?? "id")
      .replaceAll(TIME, "time")
      .replaceAll(SERIAL, "serial")
      .replaceAll(REF, "ref");
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return "time";
  if (value instanceof Binary || value instanceof ObjectId) return "bytes";
  if (Array.isArray(value)) return value.map((it) => normal(it, names, skip));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !skip.has(key))
      .map(([key, it]) => [normal(key, names, skip) as string, normal(it, names, skip)] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}
