import type { Config } from "../../../broker/moleculer/config.ts";

/** So that PORT 3000 has 9464, which Prometheus' exporters use, and two shops on one machine have two. */
const DISTANCE = 6_464;

/** The operations port of a shop on one machine: beside its public one, unless OPS_PORT says otherwise. */
export function withOpsPort(config: Config): Config {
  const { PORT, OPS_PORT } = config;
  if (OPS_PORT !== undefined || PORT === 0) return config;
  return { ...config, OPS_PORT: PORT + DISTANCE > 65_535 ? PORT - DISTANCE : PORT + DISTANCE };
}
