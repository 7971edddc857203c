/** Places where a crash is interesting. Tests hook in here; without a hook they cost nothing. */
export type CrashPoint = "before-commit" | "after-commit" | "after-publish" | "after-confirm" | "before-ack";

/** What it returns is awaited; a promise that never settles stops that piece of work for good. */
export type CrashPoints = (point: CrashPoint, actor: string) => void | Promise<void>;
