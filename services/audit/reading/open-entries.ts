/** Entries with their data readable, as far as it is not erased. */
import type { Envelope } from "../../../broker/contract/envelope.ts";
import type { Entry } from "../log/block.ts";
import type { PersonKeys } from "../personal/keys.ts";
import { unseal } from "../personal/seal.ts";

export interface Opened {
  readonly entry: Entry;
  readonly message: Envelope;
  /** Its data was a person's and is erased. */
  readonly erased: boolean;
}

export async function openEntries(entries: readonly Entry[], keys: PersonKeys): Promise<Opened[]> {
  const known = await keys.forReading(entries.flatMap((it) => it.sealed?.of ?? []));
  return entries.map((entry) => {
    const key = entry.sealed && known.get(entry.sealed.of);
    const data = entry.sealed ? key && readable(entry.sealed, key, entry.id) : { value: entry.data ?? null };
    return { entry, message: envelopeFrom(entry, data ? data.value : null), erased: data === undefined };
  });
}

/** Undefined where it was written under a key that is destroyed. */
function readable(
  sealed: NonNullable<Entry["sealed"]>,
  key: Buffer,
  id: string,
): { value: unknown } | undefined {
  try {
    return { value: unseal(sealed, key, id) };
  } catch {
    // Written when the person was erased, under a key that nobody has.
    return undefined;
  }
}

function envelopeFrom(entry: Entry, data: unknown): Envelope {
  const { seq, recordedAt, applied, actor, sealed, data: _, ...rest } = entry;
  return { specversion: "1.0", datacontenttype: "application/json", ...rest, data };
}
