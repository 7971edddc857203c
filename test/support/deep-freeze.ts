/** Freezes all of a value, so that a test sees any attempt to change it. What is frozen already is not walked again. */
import { isShared } from "../../broker/actor/shared-record.ts";

export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  // It refuses changes by itself.
  if (!isShared(value)) Object.freeze(value);
  for (const it of Object.values(value)) deepFreeze(it);
  return value;
}
