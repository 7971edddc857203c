/**
 * The result of a run: every document of every service, and messages to others. Whatever may differ between two runs
 * is removed.
 */
import { Binary, ObjectId } from "mongodb";
import core from "../../../services/index.ts";
import { collectionsOf, type MatrixRun, type World } from "./matrix-run.ts";

/** By service and collection, sorted by their text. */
export type FinalState = Record<string, unknown[]>;

/** What to ignore, in addition to what the runtime and Souk's own services need. */
export interface Comparison {
  /** Collections that depend on how a run was carried out. */
  leaveOut?: RegExp;
  /** Fields: counters of steps and order of arrival. */
  skip?: readonly string[];
  /** More fields, by collection. */
  skipIn?: Readonly<Record<string, readonly string[]>>;
  /** Texts that differ between runs, and their replacements. UUIDs and times need none. */
  texts?: readonly (readonly [RegExp, string])[];
}

const LEFT_OUT = /^(migrations|idempotency_keys|\w+_inbox)$/;
const STEPS = ["version", "inbox", "inboxUntil", "sent", "commit"];
/** Of Souk's own services. */
const OF_SOUK: Required<Comparison> = {
  leaveOut: /^(signing_keys|bootstrap_tokens|review_writes|counters|batches)$/,
  skip: [
    ...["generation", "nextGeneration", "revision", "rev", "writes", "addedAt"],
    ...["number", "orderNumber", "seq"],
  ],
  skipIn: {
    // A balance after a movement depends on the order of the others; the movements themselves do not.
    ledger: ["onHand", "_id"],
    // Whether the sandbox has noted already that its report has arrived.
    sandbox_payments: ["delivery", "deliverAt"],
    order_numbers: ["_id"],
    // How far they are counted depends on the time that has passed.
    order_records: ["counted", "dirty"],
    // The order's number is one of them.
    orders: ["words"],
  },
  // Invoices are numbered as they are issued.
  texts: [[/\b\d{4}-\d{6}\b/g, "serial"]],
};
const NOTHING: Required<Comparison> = { leaveOut: /^$/, skip: [], skipIn: {}, texts: [] };
const soukServices = new Set(core.contracts.map((it) => it.service));
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** @param names names for ids that differ between runs; all other ids count as equal */
export async function finalState<W extends World>(
  run: MatrixRun<W>,
  { leaveOut, skip = [], skipIn = {}, texts = [] }: Comparison,
  names: ReadonlyMap<string, string>,
): Promise<FinalState> {
  const own = (service: string) => (soukServices.has(service) ? OF_SOUK : NOTHING);
  const plain = (document: unknown, service: string, collection: string) => {
    const known = own(service);
    const inCollection = [known.skipIn, skipIn].flatMap((it) => it[collection] ?? []);
    const skipped = new Set([...STEPS, ...known.skip, ...skip, ...inCollection]);
    return JSON.stringify(normal(document, { names, texts: [...known.texts, ...texts], skipped }));
  };
  const state: FinalState = {};
  const keep = (name: string, documents: string[]) => {
    if (documents.length > 0) state[name] = documents.sort().map((it): unknown => JSON.parse(it));
  };
  for (const service of run.services)
    for (const { name, collection } of await collectionsOf(run.database(service))) {
      if (LEFT_OUT.test(name) || own(service).leaveOut.test(name) || leaveOut?.test(name)) continue;
      keep(
        `${service}.${name}`,
        (await collection.find().toArray()).map((it) => plain(it, service, name)),
      );
    }
  keep(
    "sent to others",
    [...run.messages.left.values()].map(({ type, subject, data, source }) =>
      plain({ type, subject, data }, source.slice(1), ""),
    ),
  );
  return state;
}

interface Reading {
  names: ReadonlyMap<string, string>;
  texts: readonly (readonly [RegExp, string])[];
  skipped: ReadonlySet<string>;
}

function normal(value: unknown, how: Reading): unknown {
  if (typeof value === "string") {
    const named = value.replaceAll(UUID, (id) => how.names.get(id) ?? "id").replaceAll(TIME, "time");
    return how.texts.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), named);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return "time";
  if (value instanceof Binary || value instanceof ObjectId) return "bytes";
  if (Array.isArray(value)) return value.map((it) => normal(it, how));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !how.skipped.has(key))
      .map(([key, it]) => [normal(key, how) as string, normal(it, how)] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}
