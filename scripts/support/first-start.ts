/** What a person sees when the shop is up. */
import type { Config } from "../../broker/config.ts";

/** Prints where everything is. */
export function printWelcome({ HOST, PORT, PUBLIC_URL, DATA_DIR, AMQP_URL, MONGO_URL }: Config): void {
  const url = PUBLIC_URL ?? `http://${HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`;
  console.log(
    [
      "",
      "Souk is open.",
      `  API            ${url}/api/v1`,
      `  documentation  ${url}/docs`,
      `  health         ${url}/health/ready`,
      `  data           ${MONGO_URL ? "MongoDB" : DATA_DIR}${AMQP_URL ? ", messages over RabbitMQ" : ""}`,
      "",
    ].join("\n"),
  );
}
