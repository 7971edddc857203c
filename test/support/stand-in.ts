/** The only casts in tests that the compiler does not check, see test/unit/contracts/casts.spec.ts. */

/**
 * An object with the parts of `T` that a test needs. Its keys are type-checked. Missing parts are undefined and fail
 * where they are used.
 */
export const standIn = <T extends object>(parts: { readonly [K in keyof NoInfer<T>]?: unknown }): T =>
  parts as unknown as T;

/** A value that the types forbid, for a test of what is checked at run time. */
export const illTyped = (value: unknown): never => value as never;
