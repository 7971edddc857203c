/**
 * Which shop owns the messages on RabbitMQ. An exchange records it. RabbitMQ never changes the arguments of an
 * existing exchange, and refuses to declare it with another alternate exchange. So declaring it is atomic, works
 * without any other node, and costs one round trip. Nothing is published to this exchange, and the alternate exchange
 * never exists.
 */
import type { ChannelModel } from "amqplib";
import { ConfigError } from "../../contract/variables.ts";
import { toError } from "../../resilience/retry.ts";
import { closeChannel } from "./close-channel.ts";
import { hasExchange, openChannel, TopologyError } from "./declare.ts";

const PRECONDITION_FAILED = 406;
const ACCESS_REFUSED = 403;

/** Name of the exchange that records the owner of the messages. */
export const shopExchangeName = (prefix: string): string => `${prefix}.shop`;

/** The messages under this prefix belong to another shop. */
export class OtherShopError extends ConfigError {
  /** Id of that shop. Undefined where RabbitMQ's error text can't be parsed. */
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
 * Records that the messages under this prefix belong to this shop, unless they belong to another one.
 * @throws {OtherShopError}
 * @throws {TopologyError} when the user lacks the right
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

/** Whether the messages under this prefix belong to any shop. */
export const isClaimed = (model: ChannelModel, prefix: string): Promise<boolean> =>
  hasExchange(model, shopExchangeName(prefix));

/** Parses "… received … but current is the value '<prefix>.shop.<id>' of type 'longstr'". */
const currentOf = (message: string): string | undefined => {
  const [, current = ""] = message.split("current is ");
  return /\.shop\.([0-9a-f-]{36})'/.exec(current)?.[1];
};
