/** Places at which tests simulate a crash. Without a hook they cost nothing. */
export const CRASH_POINTS = [
  "before-commit",
  "after-commit",
  "after-publish",
  "after-confirm",
  "before-ack",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** The result is awaited. A promise that never settles stops that piece of work for good. */
export type CrashPoints = (point: CrashPoint, actor: string) => void | Promise<void>;
