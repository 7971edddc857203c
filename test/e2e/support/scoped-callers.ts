/** Staff and machines with a scope and without it, for the access matrix. */
import type { Scope } from "../../../broker/contract/contract.ts";
import { type ApiRoute, apiRoutes } from "../../../broker/http/api-route.ts";
import core from "../../../services/index.ts";
import { signUp } from "../../../souk/testing/people.ts";
import type { Row, World } from "./access.ts";

export const scopedCallers = ["staff without", "staff with", "key without", "key with"] as const;
export type ScopedCaller = (typeof scopedCallers)[number];

/** All scopes that a route asks for; none where it asks for no scope. */
const scopesOf = ({ contract: { scope, alsoScope, widerScope } }: ApiRoute): Scope[] =>
  [scope, alsoScope, widerScope].filter((it) => it !== undefined);

/**
 * What they get on a route, by its declaration and by what others get there. Undefined where it is not asked: without a
 * scope, staff are customers.
 */
export function expectedOf(route: ApiRoute, { expect, key }: Row, caller: ScopedCaller): number | undefined {
  const { auth, contract } = route;
  const has = caller.endsWith("with");
  if (caller.startsWith("staff")) {
    if (contract.scope !== undefined) return has ? expect.admin : 403;
    if (contract.widerScope === undefined) return undefined;
    return has ? expect.staff : expect.other;
  }
  if (has) {
    if (scopesOf(route).length === 0) return undefined;
    return key ?? (contract.scope === undefined ? expect.staff : expect.admin);
  }
  return auth === "public" ? expect.guest : 403;
}

export interface ScopedCallers {
  /** Their tokens for these routes: those without have all scopes but what these routes ask for. */
  without(routes: readonly ApiRoute[]): Promise<Readonly<Record<"staff without" | "key without", string>>>;
  /** A key with this route's scopes and no other. Undefined where it has none. */
  keyWith(route: ApiRoute): Promise<string | undefined>;
  /** The token of a member of staff with this route's scopes and no other, until it is asked for another route. */
  staffWith(route: ApiRoute): Promise<string | undefined>;
}

export async function createScopedCallers({ shop, admin }: World): Promise<ScopedCallers> {
  const clerk = await signUp(shop.http, "Clara");
  const outsider = await signUp(shop.http, "Oscar");
  const all = [...new Set(apiRoutes(core.contracts).flatMap(scopesOf))];
  const keys = new Map<string, string>();

  const limit = (id: string, scopes: readonly Scope[]) =>
    admin.http.expect(200, "PATCH", `/users/${id}`, { body: { scopes } });
  async function keyWith(scopes: readonly Scope[]): Promise<string> {
    const name = scopes.join(" ");
    const known = keys.get(name);
    if (known !== undefined) return known;
    const body = { name: "Machine", scopes };
    const { key } = await admin.http.expect<{ key: string }>(201, "POST", "/api-keys", { body });
    keys.set(name, key);
    return key;
  }

  return {
    async without(routes) {
      const asked = routes.flatMap(scopesOf);
      const rest = all.filter((it) => !asked.includes(it));
      await limit(outsider.id, rest);
      return { "staff without": outsider.accessToken, "key without": await keyWith(rest) };
    },
    async keyWith(route) {
      const scopes = scopesOf(route);
      return scopes.length === 0 ? undefined : keyWith(scopes);
    },
    async staffWith(route) {
      const scopes = scopesOf(route);
      if (scopes.length === 0) return undefined;
      await limit(clerk.id, scopes);
      return clerk.accessToken;
    },
  };
}
