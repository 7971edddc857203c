/** What the first start does more, and what a person sees when the shop is up. */
import type { Connection } from "mongoose";
import type { Config } from "../../broker/moleculer/config.ts";
import { createProgress } from "./progress.ts";
import { isEmptyCatalogue, seedCatalogue } from "./seed-catalogue.ts";

/** Gives a shop without products the demo catalogue, unless SEED_ON_START or SEED_COUNT say no. */
export async function seedIfEmpty(
  { SEED_ON_START, SEED_COUNT, CURRENCY, NODE_ENV }: Config,
  database: (service: string) => Connection,
): Promise<void> {
  const products = database("products");
  // A demo has no place in a shop that means business.
  const wanted = SEED_ON_START ?? NODE_ENV !== "production";
  if (!wanted || SEED_COUNT === 0 || !(await isEmptyCatalogue(products))) return;
  const progress = createProgress("demo products");
  await seedCatalogue({
    products,
    inventory: database("inventory"),
    count: SEED_COUNT,
    currency: CURRENCY,
    onProgress: progress.report,
  });
  progress.end();
}

/** Prints where everything is. */
export function printWelcome(config: Config): void {
  const { HOST, PORT, PUBLIC_URL, DATA_DIR, AMQP_URL, MONGO_URL, OPS_PORT, OPS_HOST } = config;
  const url = PUBLIC_URL ?? `http://${HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`;
  console.log(
    [
      "",
      "Souk is open.",
      `  API            ${url}/api/v1`,
      `  documentation  ${url}/docs`,
      `  health         ${url}/health/ready`,
      ...(OPS_PORT
        ? [`  operations     ${OPS_PORT === "off" ? "off" : `http://${OPS_HOST}:${OPS_PORT}/metrics`}`]
        : []),
      `  data           ${MONGO_URL ? "MongoDB" : DATA_DIR}${AMQP_URL ? ", messages over RabbitMQ" : ""}`,
      "",
    ].join("\n"),
  );
}
