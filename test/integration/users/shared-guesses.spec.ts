import assert from "node:assert/strict";
import { newId } from "../../../broker/contract/ids.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import {
  FREE_ATTEMPTS,
  type GuessCounters,
  redisCounters,
} from "../../../services/users/credentials/login-limits.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";

describe("counts of wrong passwords in Redis", () => {
  const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
  const open: { close(): void }[] = [];
  const connect = (at = url): GuessCounters => {
    const made = redisCounters(at, `test-${process.pid}`, movableClock(), silentLog);
    open.push(made);
    return made;
  };
  afterEach(() => {
    for (const it of open.splice(0)) it.close();
  });
  /** Until both are connected each counts for itself. */
  const connected = (a: GuessCounters, b: GuessCounters) =>
    eventually("both nodes count together", async () => {
      const key = newId();
      return (await a.add(key)) + (await b.add(key)) === 3;
    });

  it("are those of all nodes, and so are slots", async () => {
    const [a, b] = [connect(), connect()];
    await connected(a, b);
    const key = newId();
    const counts = await Promise.all(
      Array.from({ length: 2 * FREE_ATTEMPTS }, (_, n) => (n % 2 ? a : b).add(key)),
    );
    assert.deepEqual(
      counts.toSorted((x, y) => x - y),
      Array.from({ length: 2 * FREE_ATTEMPTS }, (_, n) => n + 1),
    );
    await a.takeBack(key);
    assert.equal(await b.add(key), 2 * FREE_ATTEMPTS);
    const slots = await Promise.all([
      a.takeSlot(key, 60_000),
      b.takeSlot(key, 60_000),
      a.takeSlot(key, 60_000),
    ]);
    assert.equal(slots.filter((it) => it === 0).length, 1);
    assert.ok(slots.every((it) => it === 0 || (it > 50_000 && it <= 60_000)));
  });

  it("go on on each node while Redis is away", async () => {
    const alone = connect("redis://127.0.0.1:1");
    const key = newId();
    assert.deepEqual([await alone.add(key), await alone.add(key)], [1, 2]);
    assert.equal(await alone.takeSlot(key, 1_000), 0);
    assert.equal(await alone.takeSlot(key, 1_000), 1_000);
  });
});
