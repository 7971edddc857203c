import type { OutboxEntry } from "../document/actor-host.types.ts";

/** What the relay has in flight for one actor. It is removed when nothing is in flight. */
export class OutboxLane {
  readonly id: string;
  readonly flight = new Map<string, OutboxEntry>();
  /** Confirmed and still in the document. */
  readonly confirmed = new Set<string>();
  failures = 0;
  retry: NodeJS.Timeout | undefined;
  queued = false;
  /** Entries that wait, in order, for room in the window or for the next try. */
  #held: OutboxEntry[] = [];
  readonly #heldIds = new Set<string>();
  readonly #subjects = new Map<string, number>();

  constructor(id: string) {
    this.id = id;
  }

  has(entry: string): boolean {
    return this.flight.has(entry) || this.confirmed.has(entry) || this.#heldIds.has(entry);
  }

  /** Whether an older message to the same receiver must go first. */
  isBlocked(subject: string): boolean {
    return this.#subjects.has(subject);
  }

  get held(): number {
    return this.#held.length;
  }

  hold(entry: OutboxEntry): void {
    const { subject, sequence = 0 } = entry.message;
    let at = this.#held.length;
    while (at > 0 && (this.#held[at - 1]?.message.sequence ?? 0) > sequence) at--;
    this.#held.splice(at, 0, entry);
    this.#heldIds.add(entry.id);
    this.#subjects.set(subject, (this.#subjects.get(subject) ?? 0) + 1);
  }

  /** Takes the oldest waiting entry. */
  release(): OutboxEntry | undefined {
    const entry = this.#held.shift();
    if (!entry) return undefined;
    this.#heldIds.delete(entry.id);
    const { subject } = entry.message;
    const others = (this.#subjects.get(subject) ?? 1) - 1;
    if (others > 0) this.#subjects.set(subject, others);
    else this.#subjects.delete(subject);
    return entry;
  }

  get isEmpty(): boolean {
    return this.flight.size === 0 && this.#held.length === 0 && this.confirmed.size === 0;
  }
}
