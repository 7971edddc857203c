/**
 * Names of any kind as names of fields in MongoDB. There, `.` and `$` have a meaning in updates, the driver takes
 * `_bsontype` for one of its own values, and `__proto__` is none of an object's own fields for many libraries.
 */

const UNSAFE = /^_|[.$%\0]/g;

/** Plain names, among them those that were stored before there was this function, stay as they are. */
export const fieldName = (name: string): string =>
  name.replace(UNSAFE, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

/** The name behind a {@link fieldName}. */
export const nameBehind = (field: string): string =>
  field.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
