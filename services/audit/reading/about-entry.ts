/** What staff see of an entry, without the message's data. */
import type { Entry } from "../log/block.ts";

export const aboutEntry = (it: Entry) => ({
  id: it.id,
  type: it.type,
  source: it.source,
  subject: it.subject,
  sender: it.sender ?? null,
  sequence: it.sequence ?? null,
  correlationId: it.correlationid ?? null,
  causationId: it.causationid ?? null,
  time: it.time,
  recordedAt: it.recordedAt,
  applied: it.applied === true,
});
