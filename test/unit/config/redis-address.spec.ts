import assert from "node:assert/strict";
import { redact } from "../../../broker/contract/secrets/redact.ts";
import { redisAddressError, redisPlace, sentinelOptions } from "../../../broker/moleculer/redis-address.ts";
import { redisRisks } from "../../../broker/moleculer/redis-risks.ts";

const SENTINELS =
  "rediss+sentinel://souk:p%40ss@one,two:80,[::1]:5000/my.master/2?sentinelPassword=other-one";

describe("An address of Redis", () => {
  it("may be that of a master with Sentinels", () => {
    assert.equal(redisAddressError(SENTINELS), undefined);
    assert.deepEqual(sentinelOptions(SENTINELS), {
      sentinels: [
        { host: "one", port: 26_379 },
        { host: "two", port: 80 },
        { host: "::1", port: 5_000 },
      ],
      name: "my.master",
      username: "souk",
      password: "p@ss",
      db: 2,
      sentinelPassword: "other-one",
      tls: {},
      enableTLSForSentinelMode: true,
      failoverDetector: true,
    });
    assert.deepEqual(redisPlace(SENTINELS), {
      host: "my.master of one,two:80,[::1]:5000",
      username: "souk",
      database: "2",
    });
  });

  it("is left to the driver otherwise", () => {
    assert.equal(sentinelOptions("redis://one:6379/1"), undefined);
    assert.deepEqual(redisPlace("redis://me@one:6379/1"), {
      host: "one:6379",
      username: "me",
      database: "1",
    });
  });

  it("shows no password when it is printed", () => {
    assert.doesNotMatch(redact(SENTINELS), /p%40ss|other-one/);
  });
});

describe("What Redis says of its settings", () => {
  const info = (policy: string, aof: number, maxmemory = 1_000) =>
    `maxmemory:${maxmemory}\r\nmaxmemory_policy:${policy}\r\naof_enabled:${aof}\r\n`;

  it("tells whether it removes data, or forgets it", () => {
    assert.deepEqual(redisRisks(info("noeviction", 1)), {});
    assert.match(redisRisks(info("volatile-ttl", 1)).evicts ?? "", /volatile-ttl/);
    assert.equal(
      redisRisks(info("allkeys-lru", 1, 0)).evicts,
      undefined,
      "without a limit nothing is removed",
    );
    assert.match(redisRisks(info("noeviction", 0)).forgets ?? "", /appendonly/);
    assert.deepEqual(redisRisks(""), {}, "what it does not tell");
  });
});
