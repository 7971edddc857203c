/** Whether this node is the only one that changes a service's documents. */
import type { Config } from "../config.ts";

type Servers = Pick<Config, "MONGO_URL" | "AMQP_URL" | "TRANSPORTER">;

/**
 * True in a shop that is one process: no other process can open the embedded store, and no other node can join without
 * RabbitMQ or a transporter.
 * @param own services whose database is elsewhere
 */
export function soleWriter(
  { MONGO_URL, AMQP_URL, TRANSPORTER }: Servers,
  own: { has(service: string): boolean },
): (service: string) => boolean {
  const isAlone = !MONGO_URL && !AMQP_URL && !TRANSPORTER;
  return (service) => isAlone && !own.has(service);
}
