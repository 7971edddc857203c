/** The demo catalogue of a first start, and the box that a start prints when the shop is up. */
import type { Connection } from "mongoose";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { bootstrapToken } from "../../../services/users/accounts/bootstrap-admin.ts";
import { isEmptyCatalogue, seedCatalogue } from "../catalogue/seed-catalogue.ts";
import { createProgress } from "../progress.ts";

/** Gives a shop without products the demo catalogue, unless SEED_ON_START or SEED_COUNT say no. */
export async function seedIfEmpty(
  { SEED_ON_START, SEED_COUNT, CURRENCY, NODE_ENV }: Config,
  database: (service: string) => Connection,
): Promise<void> {
  const products = database("products");
  // A production shop gets no demo products unless it asks for them.
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

/**
 * The generated token that creates the first admin, for the person at the terminal. Null in production, where logs
 * are kept, and where BOOTSTRAP_TOKEN is set, because the operator knows it.
 */
export async function tokenToPrint(
  runtime: Pick<NodeRuntime, "config" | "database">,
): Promise<string | null> {
  const { NODE_ENV, BOOTSTRAP_TOKEN } = runtime.config;
  return NODE_ENV === "production" || BOOTSTRAP_TOKEN ? null : bootstrapToken(runtime);
}

/** Prints a box with all addresses, and the bootstrap token where given. */
export function printWelcome(config: Config, bootstrapToken: string | null = null): void {
  const { HOST, PORT, PUBLIC_URL, DATA_DIR, AMQP_URL, MONGO_URL, OPS_PORT, OPS_HOST } = config;
  const url = PUBLIC_URL ?? `http://${HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`;
  const operations = OPS_PORT === "off" ? "off" : `http://${OPS_HOST}:${OPS_PORT}/metrics`;
  console.log(
    box([
      `Souk is running. Open ${url}/docs to try the API.`,
      "",
      `API              ${url}/api/v1`,
      `health           ${url}/health/ready`,
      ...(OPS_PORT ? [`operations       ${operations}`] : []),
      `data             ${MONGO_URL ? "MongoDB" : DATA_DIR}${AMQP_URL ? ", messages over RabbitMQ" : ""}`,
      ...(bootstrapToken ? ["", ...firstAdmin(bootstrapToken)] : []),
    ]),
  );
}

const firstAdmin = (token: string): string[] => [
  "There is no admin yet. POST /api/v1/auth/bootstrap {token, email, password, name} makes one.",
  `bootstrap token  ${token}`,
];

function box(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => line.length));
  const edge = "─".repeat(width + 2);
  return ["", `┌${edge}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${edge}┘`, ""].join("\n");
}
