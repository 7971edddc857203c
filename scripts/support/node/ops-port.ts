import type { Config } from "../../../broker/moleculer/config.ts";

/** So that PORT 3000 gets 9464, which Prometheus' exporters use, and two shops on one machine get two ports. */
const DISTANCE = 6_464;

/** The operations port of a shop on one machine, derived from PORT unless OPS_PORT is set. */
export function withOpsPort(config: Config): Config {
  const { PORT, OPS_PORT } = config;
  if (OPS_PORT !== undefined || PORT === 0) return config;
  return { ...config, OPS_PORT: PORT + DISTANCE > 65_535 ? PORT - DISTANCE : PORT + DISTANCE };
}
