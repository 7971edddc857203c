/** Recognises the violation of a unique index, the guard that decides races. */

/** Whether the database refused a write because of a unique index; `index` asks for that one only. */
export function isDuplicateKey(error: unknown, index?: string): error is Error {
  if (!(error instanceof Error) || !("code" in error) || error.code !== 11000) return false;
  return index === undefined || error.message.includes(`index: ${index} `);
}
