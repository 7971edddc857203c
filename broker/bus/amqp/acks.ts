/**
 * Collects the acks of one AMQP channel during one pass of the event loop, and sends few frames. All messages from
 * the lowest tag that are settled without a gap get one ack. A message behind a gap gets its own.
 *
 * The purpose is not speed. RabbitMQ buffers ack commands beyond 32 that a quorum queue has not applied yet. It loses
 * those when the channel closes. Messages that were acked one by one would then be delivered again after a hand-over.
 */
import type { ConsumeMessage } from "amqplib";

export class Acks {
  readonly #send: (message: ConsumeMessage, allUpTo: boolean) => void;
  /** The lowest delivery tag that has not been acked; RabbitMQ counts tags from 1. */
  #low = 1;
  /** Settled here, ack not sent yet. */
  readonly #pending = new Map<number, ConsumeMessage>();
  /** Acked although an older message is not settled. */
  readonly #sent = new Set<number>();
  #scheduled = false;

  /** @param send `channel.ack`; it must not throw */
  constructor(send: (message: ConsumeMessage, allUpTo: boolean) => void) {
    this.#send = send;
  }

  /** Call it once per message. */
  add(message: ConsumeMessage): void {
    this.#pending.set(message.fields.deliveryTag, message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    // A multiple ack must name a message that is not acked yet.
    let last: ConsumeMessage | undefined;
    for (; ; this.#low++) {
      const message = this.#pending.get(this.#low);
      if (message) {
        last = message;
        this.#pending.delete(this.#low);
      } else if (!this.#sent.delete(this.#low)) break;
    }
    if (last) this.#send(last, true);
    for (const [tag, message] of this.#pending) {
      this.#send(message, false);
      this.#sent.add(tag);
    }
    this.#pending.clear();
  }
}
