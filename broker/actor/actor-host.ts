import type { ServiceBroker } from "moleculer";
import type { Model } from "mongoose";
import type { MessageType } from "../contract.ts";
import type { NodeRuntime } from "../runtime.ts";
import type { ActorDocument, ActorHost } from "./actor-host.types.ts";
import type { ActorDefinition } from "./define-actor.ts";

export interface ActorHostOptions<S extends object, T extends MessageType> {
  definition: ActorDefinition<S, T>;
  partitions: number | undefined;
  /** Types that its mailboxes are bound to. */
  mailbox: readonly string[];
  model: Model<ActorDocument<S>>;
  runtime: NodeRuntime;
  broker: ServiceBroker;
}

export declare function createActorHost<S extends object, T extends MessageType>(
  options: ActorHostOptions<S, T>,
): ActorHost<S, T>;
