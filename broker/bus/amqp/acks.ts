/**
 * Acks of one AMQP channel, gathered for one turn of the event loop and sent as few frames: one for all from the
 * head that are settled without a gap, one each for those behind a gap. Not for speed: RabbitMQ holds back what
 * exceeds 32 ack commands that a quorum queue has not applied yet, and forgets those when the channel closes, so
 * that messages which were acked one by one come again after a hand-over.
 */
import type { ConsumeMessage } from "amqplib";

export class Acks {
  readonly #send: (message: ConsumeMessage, allUpTo: boolean) => void;
  /** The lowest delivery tag that has not been acked; RabbitMQ counts tags from 1. */
  #low = 1;
  /** Settled here and not sent yet. */
  readonly #pending = new Map<number, ConsumeMessage>();
  /** Acked behind a gap. */
  readonly #sent = new Set<number>();
  #scheduled = false;

  /** @param send `channel.ack`, which must not throw */
  constructor(send: (message: ConsumeMessage, allUpTo: boolean) => void) {
    this.#send = send;
  }

  /** Each message once. */
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
