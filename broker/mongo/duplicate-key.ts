/** Recognises the violation of a unique index. Unique indexes decide races. */

/** Whether the database refused a write because of a unique index. `index` restricts it to one index. */
export function isDuplicateKey(error: unknown, index?: string): error is Error {
  if (!(error instanceof Error) || !("code" in error) || error.code !== 11000) return false;
  return index === undefined || error.message.includes(`index: ${index} `);
}
