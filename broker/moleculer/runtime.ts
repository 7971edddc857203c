/** What a node gives its services: configuration, clock, bus and database. */

import type { Connection } from "mongoose";
import type { CrashPoints } from "../actor/runtime/crash-points.ts";
import type { Tuning } from "../actor/runtime/tuning.ts";
import type { Bus } from "../bus/bus.ts";
import type { Files } from "../files/files.ts";
import type { Clock } from "../resilience/clock.ts";
import type { Log } from "../resilience/log.ts";
import type { Config } from "./config.ts";
import type { Extension } from "./extension.ts";
import type { Operations } from "./operations/operations.ts";

export interface NodeRuntime {
  readonly config: Config;
  /** All that the shop consists of, whatever of it runs here. */
  readonly shop: Extension;
  readonly clock: Clock;
  readonly bus: Bus;
  /** Files of all nodes. */
  readonly files: Files;
  /** The connection to a service's own database, `souk_<service>`. */
  database(service: string): Connection;
  /**
   * Whether nobody but this node changes a service's documents, see `sole-writer.ts`. Then memory that follows its own
   * writes is exact. Scripts may add documents (`npm run seed`), and change none.
   */
  isSoleWriter(service: string): boolean;
  /** Resolves when the database answers. @throws when it is away */
  pingDatabase(): Promise<void>;
  logger(module: string): Log;
  /** What the node reports to operators. Parts of the node add to it. */
  readonly operations: Operations;
  /** Only for tests: other settings for the actors, and their crash points, by actor type. */
  readonly testing?: { tuning: Partial<Tuning>; crashPoints(actor: string): CrashPoints };
}

declare module "moleculer" {
  interface ServiceBroker {
    souk: NodeRuntime;
  }
}
