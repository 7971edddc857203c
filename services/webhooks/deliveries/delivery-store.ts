/**
 * Deliveries: one document for each event and endpoint, queue and log in one. `dueAt` is there while it waits. The
 * id is derived from both, so that an event that comes again makes no second one.
 */
import type { Collection } from "mongodb";
import type { Connection } from "mongoose";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { derivedV7, newId } from "../../../broker/contract/ids.ts";
import { type WriteGroup, writeGroup } from "../../../broker/mongo/write-group.ts";
import type { DeliveryStatus } from "../webhooks.schemas.ts";

export const DELIVERIES = "deliveries";
/** Attempts that the log keeps of a delivery. */
const MAX_ATTEMPTS = 10;

export interface Attempt {
  at: Date;
  durationMs: number;
  status: number | null;
  error: string | null;
  answer: string;
}

export interface DeliveryDocument {
  /** The `webhook-id`. */
  _id: string;
  endpointId: string;
  /** What its order is kept for: the subject of the event. */
  lane: string;
  /** A UUIDv7 of its arrival: its place in the lane, and in lists. */
  position: string;
  eventId: string;
  type: string;
  /** The account that the event is about, where it names one. */
  person?: string;
  /** What is posted. */
  body: string;
  status: DeliveryStatus;
  /** When it may be sent next. Only while it waits. */
  dueAt?: Date;
  /** No attempt is made after it. */
  giveUpAt: Date;
  attempts: number;
  lastAttempts: Attempt[];
  createdAt: Date;
  /** When it is removed. */
  keptUntil: Date;
}

export interface DeliveryTimes {
  readonly retryFor: number;
  readonly retention: number;
}

export interface DeliveryStore {
  readonly collection: Collection<DeliveryDocument>;
  readonly writes: WriteGroup<DeliveryDocument>;
}

export const deliveryStore = (database: Connection): DeliveryStore => {
  const collection = database.collection<DeliveryDocument>(DELIVERIES);
  return { collection, writes: writeGroup<DeliveryDocument>(collection) };
};

export const deliveryId = (endpointId: string, eventId: string): string =>
  derivedV7(endpointId, "delivery", eventId);

function personIn(data: unknown): { person?: string } {
  const { userId, customerId } = (data ?? {}) as { userId?: unknown; customerId?: unknown };
  const person = userId ?? customerId;
  return typeof person === "string" ? { person } : {};
}

export function newDelivery(
  endpointId: string,
  event: Envelope,
  now: number,
  { retryFor, retention }: DeliveryTimes,
): DeliveryDocument {
  return {
    _id: deliveryId(endpointId, event.id),
    endpointId,
    lane: event.subject,
    position: newId(),
    eventId: event.id,
    type: event.type,
    ...personIn(event.data),
    body: JSON.stringify(event),
    status: "waiting",
    dueAt: new Date(now),
    giveUpAt: new Date(now + retryFor),
    attempts: 0,
    lastAttempts: [],
    createdAt: new Date(now),
    keptUntil: new Date(now + retryFor + retention),
  };
}

/** The update of a delivery after an attempt. @param dueAt of the next one; none where it has ended */
export const afterAttempt = (attempt: Attempt, status: DeliveryStatus, dueAt?: Date) => ({
  $set: { status, ...(dueAt && { dueAt }) },
  $inc: { attempts: 1 },
  $push: { lastAttempts: { $each: [attempt], $slice: -MAX_ATTEMPTS } },
  ...(!dueAt && { $unset: { dueAt: "" } }),
});

/** The update that makes a delivery wait again. */
export const sentAgain = (now: number, { retryFor, retention }: DeliveryTimes) => ({
  $set: {
    status: "waiting" as const,
    dueAt: new Date(now),
    giveUpAt: new Date(now + retryFor),
    keptUntil: new Date(now + retryFor + retention),
  },
});
