/** Places where a crash is interesting. Tests hook in here; without a hook they cost nothing. */
export type FaultPoint = "before-commit" | "after-commit" | "after-publish" | "after-confirm" | "before-ack";

/** What it returns is awaited; a promise that never settles stops that piece of work for good. */
export type Faults = (point: FaultPoint, actor: string) => void | Promise<void>;
