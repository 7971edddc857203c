/** An import as staff see it. */
import type { Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { ImportView } from "../imports.schemas.ts";
import type { ImportState } from "./import.actor.ts";

export function viewOf({ id, version, state }: Snapshot<ImportState>): ImportView {
  const { what, format, dryRun, status, bytes, checked, done, counts, failure, by, createdAt, endedAt } =
    state;
  const isChecked = status === "running" || status === "completed" || done.byte > 0;
  const isDone = status === "completed";
  return {
    id,
    what,
    format,
    dryRun,
    status,
    totalBytes: bytes,
    // Behind the last record there may be empty lines.
    checkedBytes: isChecked ? bytes : checked.byte,
    doneBytes: isDone ? bytes : done.byte,
    totalLines: isChecked ? checked.line : null,
    doneLines: isDone ? checked.line : done.line,
    ...counts,
    failure,
    by,
    createdAt,
    endedAt,
    version,
  };
}
