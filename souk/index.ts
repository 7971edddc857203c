/**
 * The package `souk`: what an extension needs to declare services, actors and providers, and to start a node.
 * Contracts of Souk's own services are in `souk/contracts`, helpers for tests in `souk/testing`.
 */

/** The copy that contracts are made with: an extension needs the same one. */
export { z } from "zod";

// For what they declare: an extension's types know of them, too.
import "./contracts.ts";

// Actors.
export {
  type ActorDefinition,
  type Decision,
  defineActor,
  type Outgoing,
  type Refusal,
  send,
  type TimerChange,
} from "../broker/actor/define-actor.ts";
export type {
  ActorDocument,
  ActorHost,
  Snapshot,
} from "../broker/actor/runtime/document/actor-host.types.ts";
export { actorModel } from "../broker/actor/runtime/document/actor-model.ts";
export { withKey, withoutKey } from "../broker/actor/shared-record.ts";
export { defineMachine, type Ignored, type MachineTable, NONE } from "../broker/actor/state-machine.ts";
export { type CallMeta, isStaff, may } from "../broker/contract/call-meta.ts";
// Contracts. As a whole, so that an extension can augment `Actions`, `Messages`, `ErrorCodes` and `Config` by `declare module "souk"`.
export * from "../broker/contract/contract.ts";
export { type Envelope, envelope, type Message } from "../broker/contract/envelope.ts";
export * from "../broker/contract/errors.ts";
export { type Ext, printedAs } from "../broker/contract/fields.ts";
export { derivedId, derivedV7, newId } from "../broker/contract/ids.ts";
export * from "../broker/contract/schemas.ts";
export * from "../broker/contract/variables.ts";
// Extensions and nodes.
export * from "../broker/moleculer/config.ts";
// Services and their databases.
export { type DefinedService, defineService, type ServiceWith } from "../broker/moleculer/define-service.ts";
export { combine, type Extension, extend, inFolders } from "../broker/moleculer/extension.ts";
export type { ActionContext, TypedCall, WorkerTools } from "../broker/moleculer/handlers.ts";
export { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";
export { type SoukNode, startNode } from "../broker/moleculer/node/start-node.ts";
export { isDuplicateKey } from "../broker/mongo/duplicate-key.ts";
export type { Migration } from "../broker/mongo/migrations.ts";
export { defineModel, type ModelDefinition } from "../broker/mongo/model.ts";
export { type ActorHostParts, actorHost, type Hosted } from "../mixins/actor-host.ts";
export { type CacheParts, type Clearable, cache } from "../mixins/cache.ts";
export { idempotency } from "../mixins/idempotency.ts";
export { type MongoParts, mongo } from "../mixins/mongo.ts";
export { type Notification, type NotifyParts, notificationOf, notify } from "../mixins/notify.ts";
export { type OutboxParts, outbox } from "../mixins/outbox.ts";
export { workers } from "../mixins/workers.ts";
export { default as souk } from "../services/index.ts";
// Payment providers.
export { defineProvider, type ProviderModule } from "../services/payments/providers/define-provider.ts";
export * from "../services/payments/providers/provider.ts";
