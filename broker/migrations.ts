/** Versioned, reversible, locked changes of a service's database: indexes first of all. */
import type { Connection } from "mongoose";

/** Default export of `services/<domain>/migrations/NNNN-<what>.ts`; runs once per database, in order of file name. */
export interface Migration {
  up(db: Connection): Promise<void>;
  down(db: Connection): Promise<void>;
}
