/** What the thread that writes and a reader thread tell each other. */

/** What a reader thread is started with. */
export interface ReaderData {
  /** The store's folder. */
  readonly dir: string;
  /** Where cursor ids of this thread begin. */
  readonly firstCursor: bigint;
  /** Shared by all threads: see {@link SnapshotGate}. */
  readonly gate: SharedArrayBuffer;
  /** Its number among the readers. */
  readonly place: number;
}

export type ToReader =
  | {
      readonly kind: "run";
      readonly read: number;
      /** The command as it came from the client. */
      readonly frame: Uint8Array;
      /** Milliseconds that its `maxTimeMS` leaves; 0 for no limit. */
      readonly left: number;
    }
  /** The client is gone. */
  | { readonly kind: "stop"; readonly read: number }
  | { readonly kind: "close cursor"; readonly id: bigint }
  | { readonly kind: "end" };

/** A cursor that a read has opened. */
export interface OpenedCursor {
  readonly id: bigint;
  readonly namespace: string;
  readonly idleLimit: boolean;
}

export type FromReader =
  | {
      readonly kind: "done";
      readonly read: number;
      /** The answer in full. */
      readonly frame: Uint8Array;
      readonly opened: readonly OpenedCursor[];
      readonly closed: readonly bigint[];
    }
  /** The file can't be trusted. */
  | { readonly kind: "damaged"; readonly what: string };
