/**
 * Addresses of Redis: `redis://user:password@host:6379/1`, or a master that Sentinels know:
 * `redis+sentinel://user:password@one:26379,two:26379/mymaster/1`. `rediss://` and `rediss+sentinel://` use TLS.
 */
import type { RedisOptions } from "ioredis";

const SENTINEL =
  /^(rediss?)\+sentinel:\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/([A-Za-z0-9._-]{1,100})(?:\/(\d{1,6}))?(?:\?([^#]*))?$/;
const SENTINEL_PORT = "26379";

/** What is wrong with an address. ioredis uses database 0 for a path that it does not understand. */
export function redisAddressError(text: string): string | undefined {
  if (/^rediss?\+sentinel:/.test(text))
    return sentinelsOf(text)
      ? undefined
      : "must be redis+sentinel:// with the Sentinels and the name of their master, as in redis+sentinel://one:26379,two:26379/mymaster";
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text))
    return "must be redis://, rediss://, redis+sentinel:// or rediss+sentinel:// and an address";
  const { pathname, searchParams } = new URL(text);
  const numbers = [pathname.slice(1), searchParams.get("db") ?? ""];
  return numbers.every((it) => /^\d{0,6}$/.test(it))
    ? undefined
    : "must end with the number of a database, as in redis://host:6379/1, or without any";
}

/** Names for messages to people. */
export interface RedisPlace {
  /** Without name and password. */
  readonly host: string;
  readonly username: string;
  readonly database: string;
}

export function redisPlace(address: string): RedisPlace {
  const master = sentinelsOf(address);
  if (master) {
    const { hosts, name, username, database } = master;
    return { host: `${name} of ${hosts.join(",")}`, username, database };
  }
  const { host, pathname, username } = new URL(address);
  return { host, username: decodeURIComponent(username), database: pathname.slice(1) };
}

/** Options beside an address that ioredis understands itself. */
export function sentinelOptions(address: string): RedisOptions | undefined {
  const master = sentinelsOf(address);
  if (!master) return undefined;
  const { tls, hosts, name, username, password, database, query } = master;
  const sentinelPassword = query.get("sentinelPassword");
  return {
    sentinels: hosts.map(hostAndPort),
    name,
    ...(username && { username }),
    ...(password && { password }),
    ...(database && { db: Number(database) }),
    ...(sentinelPassword && { sentinelPassword }),
    ...(tls && { tls: {}, enableTLSForSentinelMode: true }),
    // Sentinels tell when another server becomes the master. Otherwise a connection to the former one might stay.
    failoverDetector: true,
  };
}

function sentinelsOf(address: string) {
  const [, scheme, userinfo = "", hosts = "", name = "", database = "", query = ""] =
    SENTINEL.exec(address) ?? [];
  if (scheme === undefined) return undefined;
  const list = hosts.split(",");
  if (!list.every((it) => URL.canParse(`http://${it}`) && new URL(`http://${it}`).pathname === "/"))
    return undefined;
  const colon = userinfo.indexOf(":");
  const [username, password] =
    colon < 0 ? [userinfo, ""] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  return {
    tls: scheme === "rediss",
    hosts: list,
    name,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database,
    query: new URLSearchParams(query),
  };
}

function hostAndPort(text: string): { host: string; port: number } {
  const { hostname, port } = new URL(`http://${text}`);
  // A port of 80 is left out of such an address.
  const given = /:(\d+)$/.exec(text)?.[1];
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || (given ?? SENTINEL_PORT)) };
}
