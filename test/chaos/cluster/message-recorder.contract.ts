/**
 * The message recorder's contract: a queue that every message of the shop goes into, also those that no service listens to.
 * Nodes under chaos know it beside the shop's own contracts, and the harness consumes it.
 */
import { defineContract, type ServiceContract } from "../../../broker/contract/contract.ts";
import type { Extension } from "../../../broker/moleculer/extension.ts";
import core from "../../../services/index.ts";

const isPublished =
  ({ messages }: ServiceContract) =>
  (type: string) =>
    messages[type]?.kind !== "timer";

export const recorder = defineContract({
  service: "chaos",
  actions: {},
  messages: {},
  workers: {
    recorder: { receives: core.contracts.flatMap((it) => Object.keys(it.messages).filter(isPublished(it))) },
  },
});

export const recordedShop: Extension = { ...core, contracts: [...core.contracts, recorder] };
