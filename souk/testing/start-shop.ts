/** Starts a whole shop in this process for tests: embedded store in a temporary folder, in-process bus, free port. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../broker/moleculer/config.ts";
import { combine, type Extension, loadServices, serviceNames } from "../../broker/moleculer/extension.ts";
import { type SoukNode, startNode } from "../../broker/moleculer/node/start-node.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import core from "../../services/index.ts";
import { freePort } from "./free-port.ts";
import { HttpClient } from "./http-client.ts";

export const BOOTSTRAP_TOKEN = "bootstrap-token-for-tests";

export interface Shop {
  readonly url: string;
  readonly node: SoukNode;
  readonly http: HttpClient;
  readonly dataDir: string;
  /** Stops the node and removes its data. */
  stop(): Promise<void>;
}

export interface ShopOptions {
  env?: Record<string, string>;
  /** Extensions of the shop. */
  extensions?: readonly Extension[];
  /** Services to run. Default: all of the shop. */
  services?: readonly string[];
  clock?: Clock;
  /** Uses this folder, and does not remove it. */
  dataDir?: string;
}

export async function startShop({
  env = {},
  extensions = [],
  services,
  clock,
  dataDir,
}: ShopOptions = {}): Promise<Shop> {
  const shop = combine(core, ...extensions);
  const dir = dataDir ?? (await mkdtemp(join(tmpdir(), "souk-")));
  const port = await freePort();
  const given = {
    NODE_ENV: "test",
    PORT: String(port),
    DATA_DIR: dir,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? "error",
    RATE_LIMIT: "off",
    EMBEDDED_SYNC: "normal",
    BOOTSTRAP_TOKEN,
    ...env,
  };
  const config = loadConfig(given, shop.contracts);
  const node = await startNode({
    config,
    services: await loadServices(shop, services ?? serviceNames(shop)),
    shop,
    ...(clock ? { clock } : {}),
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    node,
    http: new HttpClient(url),
    dataDir: dir,
    async stop() {
      await node.stop();
      if (!dataDir) await rm(dir, { recursive: true, force: true });
    },
  };
}
