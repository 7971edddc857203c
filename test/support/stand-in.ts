/**
 * An object with the parts of `T` that a test needs. Its keys are type-checked. Missing parts are undefined and fail
 * where they are used.
 */
export const standIn = <T extends object>(parts: { readonly [K in keyof T]?: unknown }): T =>
  parts as unknown as T;
