const LOCAL_RABBIT = "amqp://guest:guest@127.0.0.1:5672";

/** The environment of scripts that need RabbitMQ: that of this machine, unless AMQP_URL is set. */
export function withLocalRabbit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, AMQP_URL: env.AMQP_URL || env.AMQP_URL_FILE ? env.AMQP_URL : LOCAL_RABBIT };
}
