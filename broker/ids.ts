import { v5, v7 } from "uuid";

/** A new time-ordered id (UUIDv7). */
export const newId = (): string => v7();

const NAMESPACE = "5b0e1d5a-6f0c-4f5e-9a59-0a7b8f1f2c11";

/** The same id for the same parts (UUIDv5): what a repeated run of a worker must produce again. */
export const derivedId = (...parts: readonly (string | number)[]): string =>
  v5(parts.join("\u0000"), NAMESPACE);
