/** Messages as actors receive them, for given/when/then tests of `receive`. */

import type { DataIn, MessageType } from "../../broker/contract/contract.ts";
import { envelope, type Message } from "../../broker/contract/envelope.ts";
import { deepFreeze } from "./deep-freeze.ts";

export const AT = Date.parse("2026-01-01T00:00:00Z");

export function message<T extends MessageType>(
  type: T,
  subject: string,
  data: DataIn<T>,
  at = AT,
): Message<T> {
  return deepFreeze(envelope(type, subject, data, { source: "/test", at })) as Message<T>;
}
