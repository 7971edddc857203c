import type { Service } from "moleculer";

/** Levels from fatal to trace. A call takes a message, then an object of fields. */
export type Log = Service["logger"];
