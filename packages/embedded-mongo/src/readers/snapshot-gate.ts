/**
 * Keeps readers out of the file for moments. SQLite's log can only begin anew while no reader has a snapshot that needs
 * it, and readers that take turns would never leave such a moment. So the thread that writes closes the gate from time
 * to time. A reader that comes to a closed gate waits, and those inside leave it at the end of their turn.
 */

const CLOSED = 0;
/** The flags of readers follow: 1 while one is inside. */
const FIRST = 1;

export class SnapshotGate {
  readonly shared: SharedArrayBuffer;
  private readonly flags: Int32Array;

  /** @param shared of another thread's gate; or the number of readers, for a new one */
  constructor(shared: SharedArrayBuffer | number) {
    this.shared =
      typeof shared === "number"
        ? new SharedArrayBuffer((FIRST + shared) * Int32Array.BYTES_PER_ELEMENT)
        : shared;
    this.flags = new Int32Array(this.shared);
  }

  /** For a reader: goes in, after waiting where the gate is closed. */
  enter(place: number): void {
    const { flags } = this;
    while (true) {
      // First the flag, then the look: so the other thread sees a reader that has not seen the gate closed.
      Atomics.store(flags, FIRST + place, 1);
      if (Atomics.load(flags, CLOSED) === 0) return;
      Atomics.store(flags, FIRST + place, 0);
      Atomics.wait(flags, CLOSED, 1);
    }
  }

  /** For a reader; and for the other thread in place of one that has died inside. */
  leave(place: number): void {
    Atomics.store(this.flags, FIRST + place, 0);
  }

  close(): void {
    Atomics.store(this.flags, CLOSED, 1);
  }

  open(): void {
    Atomics.store(this.flags, CLOSED, 0);
    Atomics.notify(this.flags, CLOSED);
  }

  get isClosed(): boolean {
    return Atomics.load(this.flags, CLOSED) === 1;
  }

  /** True when no reader is inside. */
  get isEmpty(): boolean {
    for (let i = FIRST; i < this.flags.length; i++) if (Atomics.load(this.flags, i) !== 0) return false;
    return true;
  }
}
