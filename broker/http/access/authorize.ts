/** Who may call what. A route is served only as its contract declares; nothing is allowed by omission. */

import type { CallMeta } from "../../contract/call-meta.ts";
import type { Audience } from "../../contract/contract.ts";
import { SoukError } from "../../contract/errors.ts";

/** @throws {SoukError} UNAUTHENTICATED without a user, FORBIDDEN for one of the wrong role */
export function authorize(auth: Audience, user: CallMeta["user"]): void {
  if (auth === "public") return;
  if (!user) throw new SoukError("UNAUTHENTICATED");
  if (!MAY[auth](user.roles)) throw new SoukError("FORBIDDEN");
}

type Roles = NonNullable<CallMeta["user"]>["roles"];

const MAY: Record<Exclude<Audience, "public">, (roles: Roles) => boolean> = {
  customer: () => true,
  staff: (roles) => roles.includes("staff") || roles.includes("admin"),
  admin: (roles) => roles.includes("admin"),
};
