/**
 * The message recorder's contract: a queue for every message of the shop, also those without other receivers. Nodes
 * under chaos know it in addition to the shop's contracts, and the harness consumes it.
 */
import { defineContract, type MessageType, type ServiceContract } from "../../../broker/contract/contract.ts";
import type { Extension } from "../../../broker/moleculer/extension.ts";
import core from "../../../services/index.ts";

const publishedBy = ({ messages }: ServiceContract) =>
  Object.keys(messages).filter((type) => messages[type]?.kind !== "timer") as MessageType[];

const recorder = defineContract({
  service: "chaos",
  actions: {},
  messages: {},
  workers: {
    recorder: { receives: core.contracts.flatMap(publishedBy) },
  },
});

export const recordedShop: Extension = { ...core, contracts: [...core.contracts, recorder] };
