/** Messages: none given up that was not meant to be, none left behind, and none missing between two of a sender. */
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

type MessageEvidence = Pick<Evidence, "books" | "tap" | "poison">;

export function checkMessages({ books, tap, poison }: MessageEvidence): CheckResult[] {
  const meant = new Set(poison);
  const found = new Set(books.dead.map((it) => it.id));
  return [
    {
      name: "dead queues hold what was put there on purpose",
      looked: `dead queues, ${poison.length} poisoned messages`,
      count: books.queues,
      failures: [
        ...books.dead.flatMap(({ id, queue }) =>
          meant.has(id) ? [] : [`message ${id} is dead in ${queue}`],
        ),
        ...poison.filter((id) => !found.has(id)).map((id) => `poisoned message ${id} is in no dead queue`),
      ],
    },
    {
      name: "no message is left in a queue",
      looked: "queues",
      count: books.queues,
      failures: [...books.waiting].map(([queue, n]) => `${n} in ${queue}`),
    },
    {
      name: "outboxes are empty, no timer is due",
      looked: "collections of all services",
      count: books.collections,
      failures: [
        ...books.outboxes.map((it) => `${it} has messages in its outbox`),
        ...books.dueTimers.map((it) => `${it} has a timer that has not fired`),
      ],
    },
    checkSequences(books, tap),
  ];
}

/** Whatever an actor has sent, by its own count, has been seen on the exchange: 1 to `sent`, without a gap. */
function checkSequences(books: MessageEvidence["books"], tap: MessageEvidence["tap"]): CheckResult {
  const senders = new Map<string, number>([
    ...books.orders.map((it) => [`order/${it._id}`, it.sent] as const),
    ...books.stock.map((it) => [`stock/${it._id}`, it.sent] as const),
    ...books.payments.map((it) => [`payment/${it._id}`, it.sent] as const),
    ...books.deliveries.map((it) => [`delivery/${it._id}`, it.sent] as const),
  ]);
  const failures: string[] = [];
  for (const [sender, sent] of senders) {
    const seen = tap.seen.get(sender) ?? new Set<number>();
    const missing = Array.from({ length: sent }, (_, i) => i + 1).filter((it) => !seen.has(it));
    if (missing.length > 0) failures.push(`${sender} sent ${sent}, not seen: ${missing.join(", ")}`);
    if (seen.size > sent - missing.length) failures.push(`${sender} sent ${sent}, more were seen`);
  }
  for (const sender of tap.seen.keys()) if (!senders.has(sender)) failures.push(`${sender} is no actor`);
  return {
    name: "the audit of each sender has no gap in `sequence`",
    looked: `messages of ${senders.size} senders, ${tap.counts.repeats} repeated`,
    count: tap.counts.messages,
    failures,
  };
}
