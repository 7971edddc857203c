/** Telephone numbers in E.164: all that the shop sends to. */

const E164 = /^\+[1-9][0-9]{6,14}$/;

/** Numbers are at most 15 digits long. */
export const isE164 = (it: string): boolean => E164.test(it);
