/** Freezes plain data deeply, so that a `receive` that mutates its state fails in tests. */
import { isShared } from "../../shared-record.ts";

export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  // A shared record refuses changes by itself.
  if (!isShared(value)) Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
