/** An account was erased: what was delivered about it leaves the log. What still waits is delivered, then it leaves too. */
import type { DeliveryStore } from "./delivery-store.ts";

export async function forgetPerson({ collection }: DeliveryStore, erased: unknown): Promise<void> {
  const { userId: person } = (erased ?? {}) as { userId?: unknown };
  if (typeof person !== "string") return;
  await collection.deleteMany({ person, status: { $in: ["delivered", "failed"] } });
  await collection.updateMany({ person, status: "waiting" }, [{ $set: { keptUntil: "$giveUpAt" } }]);
}
