/** Places at which tests simulate a crash. Without a hook they cost nothing. */
export type CrashPoint = "before-commit" | "after-commit" | "after-publish" | "after-confirm" | "before-ack";

/** The result is awaited. A promise that never settles stops that piece of work for good. */
export type CrashPoints = (point: CrashPoint, actor: string) => void | Promise<void>;
