/** Messages: no unintended dead messages, none left behind, and no gap in a sender's sequence. */
import type { CheckResult } from "./check.ts";
import type { Evidence } from "./checks.ts";

type MessageEvidence = Pick<Evidence, "snapshot" | "recorder" | "poison">;

export function checkMessages({ snapshot, recorder, poison }: MessageEvidence): CheckResult[] {
  const meant = new Set(poison);
  const found = new Set(snapshot.dead.map((it) => it.id));
  return [
    {
      name: "dead queues hold what was put there on purpose",
      looked: `dead queues, ${poison.length} poisoned messages`,
      count: snapshot.queues,
      failures: [
        ...snapshot.dead.flatMap(({ id, queue }) =>
          meant.has(id) ? [] : [`message ${id} is dead in ${queue}`],
        ),
        ...poison.filter((id) => !found.has(id)).map((id) => `poisoned message ${id} is in no dead queue`),
      ],
    },
    {
      name: "no message is left in a queue",
      looked: "queues",
      count: snapshot.queues,
      failures: [...snapshot.waiting].map(([queue, n]) => `${n} in ${queue}`),
    },
    {
      name: "outboxes are empty, no timer is due",
      looked: "collections of all services",
      count: snapshot.collections,
      failures: [
        ...snapshot.outboxes.map((it) => `${it} has messages in its outbox`),
        ...snapshot.dueTimers.map((it) => `${it} has a timer that has not fired`),
      ],
    },
    checkSequences(snapshot.sent, recorder),
  ];
}

/** Every message that an actor has sent by its own count was recorded: 1 to `sent`, without a gap. */
function checkSequences(
  senders: MessageEvidence["snapshot"]["sent"],
  recorder: MessageEvidence["recorder"],
): CheckResult {
  const failures: string[] = [];
  for (const [sender, sent] of senders) {
    const seen = recorder.seen.get(sender) ?? new Set<number>();
    const missing = Array.from({ length: sent }, (_, i) => i + 1).filter((it) => !seen.has(it));
    if (missing.length > 0) failures.push(`${sender} sent ${sent}, not seen: ${missing.join(", ")}`);
    if (seen.size > sent - missing.length) failures.push(`${sender} sent ${sent}, more were seen`);
  }
  for (const sender of recorder.seen.keys()) if (!senders.has(sender)) failures.push(`${sender} is no actor`);
  return {
    name: "the audit of each sender has no gap in `sequence`",
    looked: `messages of ${senders.size} senders, ${recorder.counts.repeats} repeated`,
    count: recorder.counts.messages,
    failures,
  };
}
