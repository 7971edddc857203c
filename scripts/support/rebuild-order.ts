/** An order, its payments and its delivery, rebuilt from the log of all messages. */
import type { Connection } from "mongoose";
import type { ActorDefinition } from "../../broker/actor/define-actor.ts";
import { type Replayed, replay } from "../../broker/actor/replay.ts";
import type { MessageType } from "../../broker/contract/contract.ts";
import type { Envelope, Message } from "../../broker/contract/envelope.ts";
import type { Config } from "../../broker/moleculer/config.ts";
import { systemClock } from "../../broker/resilience/clock.ts";
import { Blocks } from "../../services/audit/log/blocks.ts";
import { PersonKeys } from "../../services/audit/personal/keys.ts";
import { openEntries } from "../../services/audit/reading/open-entries.ts";
import { messagesOfOrder } from "../../services/audit/timeline/order-messages.ts";
import { deliveryActor } from "../../services/delivery/delivery.actor.ts";
import { orderActor } from "../../services/orders/order/order.actor.ts";
import { createPaymentActor } from "../../services/payments/payment/payment.actor.ts";
import { scheduleOf } from "../../services/payments/payment/schedule.ts";

type Actor = Pick<ActorDefinition, "type" | "service" | "collection" | "receives" | "receive">;

/** The actors of an order as this version, with these settings, has them. */
export const actorsOf = (config: Config): Actor[] => [
  actor(orderActor),
  actor(createPaymentActor(scheduleOf(config))),
  actor(deliveryActor),
];

/** An actor of any state. It gets only states that it has made itself, and messages that it takes. */
const actor = <S extends object, T extends MessageType>(it: ActorDefinition<S, T>): Actor => ({
  ...it,
  receive: (state, message) => it.receive(state as S | null, message as Message<T>),
});

export interface Rebuilt extends Replayed<object> {
  readonly actor: Actor;
  readonly id: string;
}

/** @throws Error where the log has not what is needed */
export async function logOfOrder(database: Connection, orderId: string): Promise<Envelope[]> {
  const { entries, cut } = await messagesOfOrder(new Blocks(database), orderId);
  if (entries.length === 0) throw new Error(`the log has no messages of the order ${orderId}`);
  if (cut) throw new Error("the order has more messages than can be rebuilt");
  const opened = await openEntries(entries, new PersonKeys(database, systemClock));
  const erased = opened.filter((it) => it.erased).length;
  if (erased > 0) throw new Error(`the data of ${erased} messages is erased: nothing can be rebuilt`);
  if (!opened.some(({ message }) => message.type === "order.place"))
    throw new Error("the log has no order.place of it: AUDIT=all records what actors apply");
  return opened.map((it) => it.message);
}

/** Each actor that the messages are about, in the order of its first message. */
export function rebuild(
  actors: readonly Actor[],
  messages: readonly Envelope[],
  orderId: string,
  until?: number,
): Rebuilt[] {
  return actors.flatMap((actor) => {
    const types: readonly string[] = actor.receives;
    const subjects = messages.filter((it) => types.includes(it.type)).map((it) => it.subject);
    return [...new Set(subjects)]
      .filter((id) => actor.type !== "order" || id === orderId)
      .map((id) => ({ actor, id, ...replay(actor, id, messages, until) }));
  });
}
