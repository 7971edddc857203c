/**
 * The message recorder's contract: a queue that every message of the shop goes into, also those that no service listens to.
 * Nodes under chaos know it beside the shop's own contracts, and the harness consumes it.
 */
import { defineContract, type MessageType, type ServiceContract } from "../../../broker/contract/contract.ts";
import type { Extension } from "../../../broker/moleculer/extension.ts";
import core from "../../../services/index.ts";

const publishedBy = ({ messages }: ServiceContract) =>
  Object.keys(messages).filter((type) => messages[type]?.kind !== "timer") as MessageType[];

export const recorder = defineContract({
  service: "chaos",
  actions: {},
  messages: {},
  workers: {
    recorder: { receives: core.contracts.flatMap(publishedBy) },
  },
});

export const recordedShop: Extension = { ...core, contracts: [...core.contracts, recorder] };
