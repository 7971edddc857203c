/** Each event of the shop, once for each endpoint that wants it. Costs one look into memory where there is none. */
import type { MessageType } from "../../../broker/contract/contract.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Listeners } from "../endpoints/listeners.ts";
import type { EventLog } from "../stream/event-log.ts";
import { type DeliveryStore, type DeliveryTimes, newDelivery } from "./delivery-store.ts";
import { forgetPerson } from "./forget-person.ts";

export interface FanOutTools {
  readonly listeners: Listeners;
  readonly store: DeliveryStore;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly times: DeliveryTimes;
  /** There are new deliveries for these endpoints. */
  wake(endpointIds: readonly string[]): void;
}

const ERASED: MessageType = "user.erased";

export async function fanOut(
  { listeners, store, log, clock, times, wake }: FanOutTools,
  events: readonly Envelope[],
): Promise<void> {
  for (const { type, data } of events) if (type === ERASED) await forgetPerson(store, data);
  const { endpoints, streaming } = await listeners.get();
  if (endpoints.length === 0 && !streaming) return;
  const now = clock.now();
  const made = events.flatMap((event) =>
    endpoints.filter((it) => it.wants(event.type)).map(({ id }) => newDelivery(id, event, now, times)),
  );
  await Promise.all([
    ...made.map((it) => store.writes.insertNew(it)),
    ...(streaming ? events.map((it) => log.append(it)) : []),
  ]);
  if (made.length > 0) wake([...new Set(made.map((it) => it.endpointId))]);
}
