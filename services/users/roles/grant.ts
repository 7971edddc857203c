/** Who may grant what: nobody gives or takes what they have not. */
import { type CallMeta, may } from "../../../broker/contract/call-meta.ts";
import type { Scope } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";

export type Actor = NonNullable<CallMeta["user"]>;

export const isAdmin = ({ roles }: Pick<Actor, "roles">): boolean => roles.includes("admin");

/**
 * A stolen key must not outlive its revocation by what it has granted.
 * @throws {SoukError} FORBIDDEN for a key
 */
export function requirePerson(actor: Actor): void {
  if (actor.keyOf !== undefined) throw new SoukError("FORBIDDEN", "API keys grant nothing to anybody.");
}

/** @throws {SoukError} FORBIDDEN unless the actor has all of these scopes */
export function requireAll(actor: Actor, scopes: readonly Scope[]): void {
  const missing = scopes.filter((it) => !may(actor, it));
  if (missing.length > 0)
    throw new SoukError(
      "FORBIDDEN",
      `This needs scopes that you do not have: ${missing.slice(0, 10).join(", ")}.`,
    );
}

/** @throws {SoukError} VALIDATION_FAILED for a scope that this shop has not */
export function requireKnown(given: readonly Scope[], all: readonly Scope[], field = "scopes"): void {
  const unknown = given.filter((it) => !all.includes(it));
  if (unknown.length > 0) throw invalid(field, `${unknown[0]} is no scope of this shop`);
}

export const invalid = (field: string, message: string): SoukError =>
  new SoukError("VALIDATION_FAILED", `${field}: ${message}`, { errors: [{ field, message }] });
