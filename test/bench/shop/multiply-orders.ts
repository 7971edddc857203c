/**
 * Fills a running embedded shop with past orders: copies of those that it has, with all that belongs to them, under ids
 * and numbers of their own. Real orders would take hours.
 */
import { runningStoreUri } from "@souk/embedded-mongo";
import { type Collection, type Document, MongoClient } from "mongodb";

/** What grows with each order, by database. The audit log is a chain, and is not copied. */
const GROWING: Readonly<Record<string, readonly string[]>> = {
  souk_orders: ["orders", "idempotency_keys", "order_numbers"],
  souk_payments: ["payments", "invoices", "ledger", "sandbox_payments", "webhook_inbox"],
  souk_delivery: ["delivery"],
  souk_inventory: ["ledger"],
};
/** Whose ids stay, because the copies belong to them. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  souk_users: ["accounts"],
  souk_products: ["products", "categories"],
};
const BATCH = 1_000;
const MINUTE_MS = 60_000;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const ORDER_NUMBER = /\b(\d{6})-([0-9A-Za-z]{5})-([0-9A-Za-z]{5})\b/g;
const REFERENCE = /^[A-Za-z0-9_-]{43}$/;

/**
 * @param dir the store's folder
 * @param total orders that there are in the end, a few more perhaps
 */
export async function multiplyOrders(
  dir: string,
  total: number,
  print: (line: string) => void,
): Promise<void> {
  const uri = runningStoreUri(dir);
  if (uri === undefined) throw new Error(`no store runs on ${dir}`);
  const client = new MongoClient(uri, { maxPoolSize: 4 });
  try {
    const orders = client.db("souk_orders").collection("orders");
    const present = await orders.countDocuments();
    const patterns = await orders.find({}).sort({ _id: -1 }).limit(500).toArray();
    const ids = patterns.map((it) => String(it._id));
    const kept = new Set<string>();
    for (const [database, name] of all(KEPT))
      for (const { _id } of await client
        .db(database)
        .collection(name)
        .find({}, { projection: { _id: 1 } })
        .toArray())
        kept.add(String(_id));
    const copies = Math.ceil((total - present) / patterns.length);
    const largest = await client.db("souk_payments").collection("invoices").countDocuments();
    for (const [database, name] of all(GROWING)) {
      const collection = client.db(database).collection<Document>(name);
      const found = await collection.find({}).toArray();
      const named = found.filter((it) => ids.some((id) => JSON.stringify(it).includes(id)));
      // Reports of providers name their orders only in the raw bytes.
      const mine = named.length > 0 ? named : found.slice(0, ids.length);
      print(`${database}.${name}: ${copies} copies of ${mine.length}`);
      await insertCopies(collection, mine, copies, (it, turn) => copyOf(it, present + turn, largest, kept));
    }
  } finally {
    await client.close();
  }
}

const all = (names: Readonly<Record<string, readonly string[]>>): [string, string][] =>
  Object.entries(names).flatMap(([database, them]) => them.map((it): [string, string] => [database, it]));

async function insertCopies(
  collection: Collection<Document>,
  patterns: readonly Document[],
  copies: number,
  copy: (pattern: Document, turn: number) => Document,
): Promise<void> {
  let batch: Document[] = [];
  for (let turn = 1; turn <= copies; turn++)
    for (const it of patterns) {
      batch.push(copy(it, turn));
      if (batch.length < BATCH) continue;
      await collection.insertMany(batch, { ordered: false });
      batch = [];
    }
  if (batch.length > 0) await collection.insertMany(batch, { ordered: false });
}

/** @param turn differs for each copy of the same thing */
function copyOf(pattern: Document, turn: number, invoices: number, kept: ReadonlySet<string>): Document {
  const text = (value: string): string => {
    if (REFERENCE.test(value)) return `${value.slice(0, -5)}${turn.toString(36).padStart(5, "_")}`;
    return value
      .replace(UUID, (id) => (kept.has(id) ? id : earlierId(id, turn)))
      .replace(
        ORDER_NUMBER,
        (_, day, __, end) => `${day}-${turn.toString(36).padStart(5, "0").toUpperCase()}-${end}`,
      );
  };
  const copy = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(copy);
    if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
      return value;
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [text(key), copy(it)]));
  };
  const made = copy(pattern) as Document;
  if (typeof made.seq !== "number") return made;
  // Invoices of an earlier year have a series of their own.
  const year = made.year - 1;
  const seq = made.seq + turn * invoices;
  return { ...made, year, seq, number: `${year}-${String(seq).padStart(6, "0")}` };
}

/** The id of something that happened so many minutes before. */
function earlierId(id: string, minutes: number): string {
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) - minutes * MINUTE_MS;
  const digits = Math.abs(time).toString(16).padStart(12, "0").slice(-12);
  return `${digits.slice(0, 8)}-${digits.slice(8)}${id.slice(13)}`;
}
