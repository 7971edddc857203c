const LOCAL_RABBIT = "amqp://guest:guest@127.0.0.1:5672";

/** The environment of scripts that make no sense without RabbitMQ: this machine's, unless AMQP_URL says otherwise. */
export function withLocalRabbit(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, AMQP_URL: env.AMQP_URL || env.AMQP_URL_FILE ? env.AMQP_URL : LOCAL_RABBIT };
}
