/** Whose data a message has. That data is kept under a key of this person, so that it can be erased. */
import type { Envelope } from "../../../broker/contract/envelope.ts";

/** Says that a person's data is to be erased. */
export const ERASED = "user.erased";

/** Fields that name the person whom the rest of the data is about. */
const NAMES = ["customerId", "userId"] as const;

/** The person, or undefined where the data has nothing of a person. */
export function personOf({ type, subject, data }: Envelope): string | undefined {
  if (type === ERASED) return undefined;
  if (typeof data === "object" && data !== null)
    for (const name of NAMES) {
      const value: unknown = Reflect.get(data, name);
      if (typeof value === "string" && value !== "") return value;
    }
  return type.startsWith("user.") ? subject : undefined;
}
