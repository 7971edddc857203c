/** Settings of Redis under which it loses what it was given, as its INFO tells. */

export interface RedisRisks {
  /** It removes keys when its memory is full. */
  readonly evicts?: string;
  /** It keeps nothing over a restart. */
  readonly forgets?: string;
}

/** @param info the reply of INFO; a service may leave parts out, which is then no risk that is known */
export function redisRisks(info: string): RedisRisks {
  const fields = new Map(
    info.split("\r\n").map((line): [string, string | undefined] => {
      const [name = "", value] = line.split(":", 2);
      return [name, value];
    }),
  );
  const policy = fields.get("maxmemory_policy") ?? "noeviction";
  const isBounded = (fields.get("maxmemory") ?? "0") !== "0";
  return {
    ...(isBounded &&
      policy !== "noeviction" && {
        evicts: `removes data when its memory is full (maxmemory-policy ${policy}): set it to noeviction`,
      }),
    ...(fields.get("aof_enabled") === "0" && {
      forgets: "forgets up to all of its data when it restarts: set appendonly to yes",
    }),
  };
}
