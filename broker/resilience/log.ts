import type { Service } from "moleculer";

/** Levels fatal to trace; a message, then an object of fields. */
export type Log = Service["logger"];
