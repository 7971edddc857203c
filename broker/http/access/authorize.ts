/** Who may call what. A route is served only as its contract declares. Nothing is allowed by default. */

import { type CallMeta, isStaff } from "../../contract/call-meta.ts";
import type { Audience } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";

/** @throws {SoukError} UNAUTHENTICATED without a user, FORBIDDEN without the role */
export function authorize(auth: Audience, user: CallMeta["user"]): void {
  if (auth === "public") return;
  if (!user) throw new SoukError("UNAUTHENTICATED");
  if (!MAY[auth](user)) throw new SoukError("FORBIDDEN");
}

type User = NonNullable<CallMeta["user"]>;

const MAY: Record<Exclude<Audience, "public">, (user: User) => boolean> = {
  customer: () => true,
  staff: isStaff,
  admin: ({ roles }) => roles.includes("admin"),
};
