/**
 * Whose messages RabbitMQ has. An exchange that nothing is published to says it: RabbitMQ keeps one argument of exchanges
 * for good and refuses to declare one again with another value, the name of its alternate exchange. That is atomic, holds
 * without any node online, and costs one round trip; the alternate exchange itself never exists.
 */
import type { ChannelModel } from "amqplib";
import { ConfigError } from "../../contract/variables.ts";
import { toError } from "../../resilience/retry.ts";
import { closeChannel } from "./close-channel.ts";
import { hasExchange, openChannel, TopologyError } from "./declare.ts";

const PRECONDITION_FAILED = 406;
const ACCESS_REFUSED = 403;

/** Name of the exchange that says whose messages these are. */
export const shopExchangeName = (prefix: string): string => `${prefix}.shop`;

/** RabbitMQ's messages under this prefix are another shop's. */
export class OtherShopError extends ConfigError {
  /** Id of that shop; undefined where RabbitMQ's words can't be read. */
  readonly found: string | undefined;

  constructor(prefix: string, found: string | undefined, own: string) {
    super(
      `AMQP_URL: the messages under AMQP_PREFIX=${prefix} are of shop ${found ?? "(another one)"}, but the database ` +
        `is of shop ${own}. To join that shop set MONGO_URL to its database; a shop of its own takes another ` +
        `AMQP_PREFIX; if the database is meant to replace that shop's: npm run shop -- adopt ${found ?? "<id>"}`,
    );
    this.found = found;
  }
}

/**
 * Says that the messages under this prefix are this shop's, where nobody has yet.
 * @throws {OtherShopError}
 * @throws {TopologyError} when the user has not the right to
 */
export async function claimMessages(model: ChannelModel, prefix: string, shop: string): Promise<void> {
  const { channel, gone } = await openChannel(model);
  const name = shopExchangeName(prefix);
  try {
    await channel.assertExchange(name, "fanout", {
      durable: true,
      internal: true,
      alternateExchange: `${name}.${shop}`,
    });
  } catch (thrown) {
    const error = toError(thrown);
    const { code } = error as { code?: unknown };
    if (code === PRECONDITION_FAILED) throw new OtherShopError(prefix, currentOf(error.message), shop);
    if (code === ACCESS_REFUSED)
      throw new TopologyError(`exchange ${name} may not be declared by this user: ${error.message}`, {
        cause: error,
      });
    throw error;
  }
  await closeChannel(channel, gone);
}

/** Whether any shop has messages under this prefix. */
export const isClaimed = (model: ChannelModel, prefix: string): Promise<boolean> =>
  hasExchange(model, shopExchangeName(prefix));

/** From "… received … but current is the value '<prefix>.shop.<id>' of type 'longstr'". */
const currentOf = (message: string): string | undefined => {
  const [, current = ""] = message.split("current is ");
  return /\.shop\.([0-9a-f-]{36})'/.exec(current)?.[1];
};
