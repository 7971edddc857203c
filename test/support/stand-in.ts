/**
 * An object that has of `T` what a test needs; its keys are checked. What is missing is undefined, and fails where it is
 * used.
 */
export const standIn = <T extends object>(parts: { readonly [K in keyof T]?: unknown }): T =>
  parts as unknown as T;
