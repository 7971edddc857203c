/**
 * Who may call what. A route is served only as its contract declares. Nothing is allowed by default. This is the only
 * place that asks for the scope of a staff route.
 */
import { type CallMeta, isStaff, may } from "../../contract/call-meta.ts";
import { SoukError } from "../../contract/errors.ts";
import type { ApiRoute } from "../api-route.ts";

type User = NonNullable<CallMeta["user"]>;
/** What of a route decides about access. */
export interface Guarded {
  readonly auth: ApiRoute["auth"];
  readonly contract: Pick<ApiRoute["contract"], "scope" | "alsoScope" | "widerScope">;
}

/**
 * The user that the action gets. A key is nobody on public routes that have nothing for it.
 * @throws {SoukError} UNAUTHENTICATED without a user, FORBIDDEN without the role or the scope
 */
export function authorize({ auth, contract }: Guarded, user: User | undefined): User | undefined {
  if (user?.keyOf !== undefined) return authorizeKey({ auth, contract }, user);
  if (auth === "public") return user;
  if (!user) throw new SoukError("UNAUTHENTICATED");
  if (auth === "staff" && !isStaff(user)) throw new SoukError("FORBIDDEN");
  if (auth === "staff") requireScopes(user, contract);
  if (auth === "admin" && !user.roles.includes("admin")) throw new SoukError("FORBIDDEN");
  return user;
}

/** A key has no cart, orders or account of its own. So it may use only what a scope opens. */
function authorizeKey({ auth, contract }: Guarded, key: User): User | undefined {
  if (auth === "public")
    return contract.widerScope !== undefined && may(key, contract.widerScope) ? key : undefined;
  if (auth === "staff") requireScopes(key, contract);
  else requireScope(key, auth === "customer" ? contract.widerScope : undefined);
  return key;
}

function requireScopes(user: User, { scope, alsoScope }: Guarded["contract"]): void {
  requireScope(user, scope);
  if (alsoScope !== undefined) requireScope(user, alsoScope);
}

function requireScope(user: User, scope: Guarded["contract"]["scope"]): void {
  if (scope === undefined) throw new SoukError("FORBIDDEN");
  if (!may(user, scope)) throw new SoukError("FORBIDDEN", `This needs the scope ${scope}.`);
}
