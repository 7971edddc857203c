/** A node with just the services under test, over an embedded store of its own and the in-process bus. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallingOptions, ServiceSchema } from "moleculer";
import { topologyOf } from "../../../broker/bus/topology.ts";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import { checkRequest } from "../../../broker/contract/check-request.ts";
import {
  type ActionName,
  actionContract,
  kindOf,
  type ParamsIn,
  type Returned,
  type ServiceContract,
} from "../../../broker/contract/contract.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { type SoukNode, startNode } from "../../../broker/moleculer/node/start-node.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import core from "../../../services/index.ts";

export interface ServicesNode extends SoukNode {
  /** Calls an action as the gateway does; extra and mistyped parameters are for tests of the boundary. */
  call<N extends ActionName>(
    name: N,
    params: ParamsIn<N>,
    meta?: CallMeta,
    options?: CallingOptions,
  ): Promise<Returned<N>>;
  /** Stops the node and removes its data. */
  close(): Promise<void>;
}

export interface ServicesNodeOptions {
  env?: Record<string, string>;
  clock?: Clock;
  /** The shop's unless told. */
  contracts?: readonly ServiceContract[];
}

export async function startServices(
  services: readonly ServiceSchema[],
  { env = {}, clock, contracts = core.contracts }: ServicesNodeOptions = {},
): Promise<ServicesNode> {
  const dataDir = await mkdtemp(join(tmpdir(), "souk-"));
  const config = loadConfig({
    NODE_ENV: "test",
    DATA_DIR: dataDir,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? "fatal",
    EMBEDDED_SYNC: "normal",
    ...env,
  });
  const node = await startNode({
    config,
    services,
    shop: { ...core, contracts },
    ...(clock ? { clock } : {}),
  });
  await hearForOthers(node, services, contracts);
  return {
    ...node,
    async call(name, params, meta = {}, options = {}) {
      const contract = actionContract(name);
      if (contract?.rest) checkRequest(contract, params as Record<string, unknown>, node.runtime.shop.fields);
      return node.broker.call<Returned<typeof name>, object>(name, params as object, { ...options, meta });
    },
    async close() {
      await node.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Takes events for services of the shop that do not run here. Otherwise the in-process bus would never confirm them. */
async function hearForOthers(
  { runtime }: SoukNode,
  services: readonly ServiceSchema[],
  contracts: readonly ServiceContract[],
): Promise<void> {
  const running = new Set(services.map((it) => it.name));
  const ofShop = contracts.filter((it) => core.contracts.includes(it));
  for (const worker of topologyOf(ofShop).workers)
    if (!running.has(worker.service) && worker.receives.every((it) => kindOf(it) === "event"))
      await runtime.bus.consumeWorker(worker, async () => undefined);
}
