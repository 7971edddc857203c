/** Reasons for which RabbitMQ refuses our configuration. */
import type { ConfigError } from "../../contract/variables.ts";
import { field, refused, textOf, tlsRefusal } from "../../resilience/refusals.ts";
import { amqpAddresses, virtualHost } from "./address.ts";
import { HandshakeRefusedError, UnlikeAmqpError } from "./handshake.ts";

const ACCESS_REFUSED = 403;
const NOT_ALLOWED = 530;

/** @param address the configured address of a RabbitMQ */
export function amqpRefusal(error: unknown, address: string): string | undefined {
  const { host, username } = new URL(address);
  const user = decodeURIComponent(username) || "guest";
  const at = `RabbitMQ at ${host}`;
  if (error instanceof UnlikeAmqpError) return `the server at ${host} ${error.message}`;
  if (error instanceof HandshakeRefusedError) {
    if (error.code === ACCESS_REFUSED) return `${at} refuses the user ${user}: wrong name or password`;
    if (error.code !== NOT_ALLOWED) return undefined;
    const text = error.message.replace(/^NOT_ALLOWED - /, "");
    if (text.startsWith("vhost ") && text.endsWith(" not found"))
      return `${at} has no virtual host ${virtualHost(address)}`;
    // RabbitMQ reports a connection limit or a stopped virtual host after the user's name.
    if (text.startsWith("access to vhost ") && text.endsWith("'"))
      return `${at} does not let the user ${user} into the virtual host ${virtualHost(address)}`;
    return undefined;
  }
  if (field(error, "code") === ACCESS_REFUSED)
    return `${at} does not give the user ${user} the rights that it needs: ${textOf(error)}`;
  return tlsRefusal(error, host);
}

/** The reason when a declaration or consumer fails because the user lacks a right. */
export const amqpRightsRefusal = (error: unknown, addresses: string): ConfigError | undefined => {
  if (field(error, "code") !== ACCESS_REFUSED) return undefined;
  const reason = amqpRefusal(error, amqpAddresses(addresses)[0] ?? "");
  return reason === undefined ? undefined : refused("AMQP_URL", reason);
};
