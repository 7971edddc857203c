/** Recognises the violation of a unique index. Unique indexes decide races. */

/** MongoDB's code for it. */
export const DUPLICATE_KEY = 11_000;

/** Whether the database refused a write because of a unique index. `index` restricts it to one index. */
export function isDuplicateKey(error: unknown, index?: string): error is Error {
  if (!(error instanceof Error) || !("code" in error) || error.code !== DUPLICATE_KEY) return false;
  return index === undefined || error.message.includes(`index: ${index} `);
}
