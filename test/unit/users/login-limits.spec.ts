import assert from "node:assert/strict";
import fc from "fast-check";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import {
  createLoginLimits,
  FREE_ATTEMPTS,
  LONGEST_MS,
  type LoginLimits,
  memoryCounters,
} from "../../../services/users/credentials/login-limits.ts";
// Declares the codes of the errors.
import "../../../services/users/users.contract.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";

const DAY_MS = 86_400_000;

describe("guesses of one account's password", () => {
  let clock: ReturnType<typeof movableClock>;
  let limits: LoginLimits;
  let looked: number;
  beforeEach(() => {
    clock = movableClock();
    limits = createLoginLimits(memoryCounters(clock));
    looked = 0;
  });
  const stranger = { account: "ann@example.com" };
  const wrong = async () => {
    looked++;
    throw new SoukError("INVALID_CREDENTIALS");
  };
  const right = async () => {
    looked++;
    return "in";
  };
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => "in",
      (error) => errorCode(error),
    );
  const guess = (who: Parameters<LoginLimits["attempt"]>[0] = stranger) => codeOf(limits.attempt(who, wrong));

  it("are looked at ten times, also when they come at once, and then turned away unlooked at", async () => {
    const codes = await Promise.all(Array.from({ length: 500 }, () => guess()));
    assert.equal(codes.filter((it) => it === "INVALID_CREDENTIALS").length, FREE_ATTEMPTS + 1);
    assert.equal(looked, FREE_ATTEMPTS + 1);
    assert.equal(codes.at(-1), "RATE_LIMITED");
  });

  it("say when the next one may come, which is later each time, up to five minutes", async () => {
    for (let n = 0; n < FREE_ATTEMPTS; n++) await guess();
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      assert.equal(await guess(), "INVALID_CREDENTIALS");
      const error = await limits.attempt(stranger, wrong).catch((it: SoukError) => it);
      assert.ok(error instanceof SoukError);
      const { retryAfter = 0 } = error.data as { retryAfter?: number };
      waits.push(retryAfter);
      clock.advance(retryAfter * 1_000);
    }
    assert.deepEqual(waits.slice(0, 4), [2, 4, 8, 16]);
    assert.equal(waits.at(-1), LONGEST_MS / 1_000);
  });

  it("are some three hundred a day at most, however they are spread", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3_600_000 }), { maxLength: 200 }),
        async (pauses) => {
          const at = movableClock();
          const bounded = createLoginLimits(memoryCounters(at));
          let seen = 0;
          const start = at.now();
          for (let n = 0; at.now() - start < DAY_MS && n < 5_000; n++) {
            await bounded
              .attempt(stranger, async () => {
                seen++;
                throw new SoukError("INVALID_CREDENTIALS");
              })
              .catch(() => undefined);
            at.advance(pauses[n % pauses.length] ?? 20_000);
          }
          assert.ok(seen <= FREE_ATTEMPTS + 9 + DAY_MS / LONGEST_MS, `${seen}`);
        },
      ),
      { numRuns: 20 },
    ));

  it("by strangers do not slow down who is known, nor other accounts", async () => {
    for (let n = 0; n < 50; n++) await guess();
    assert.equal(await guess(), "RATE_LIMITED");
    assert.equal(await codeOf(limits.attempt({ ...stranger, known: "home" }, right)), "in");
    assert.equal(await codeOf(limits.attempt({ account: "bob@example.com" }, right)), "in");
  });

  it("by who is known are bounded as well", async () => {
    const home = { ...stranger, known: "home" };
    for (let n = 0; n < 50; n++) await guess(home);
    assert.equal(looked, FREE_ATTEMPTS + 1);
  });

  it("that are right, or could not be checked, are none", async () => {
    for (let n = 0; n < 50; n++) {
      assert.equal(await codeOf(limits.attempt(stranger, right)), "in");
      const overloaded = async () => {
        throw new SoukError("OVERLOADED");
      };
      assert.equal(await codeOf(limits.attempt(stranger, overloaded)), "OVERLOADED");
    }
    for (let n = 0; n < FREE_ATTEMPTS; n++) assert.equal(await guess(), "INVALID_CREDENTIALS");
  });

  it("accept the right password after the wait", async () => {
    for (let n = 0; n < 50; n++) await guess();
    clock.advance(LONGEST_MS);
    assert.equal(await codeOf(limits.attempt(stranger, right)), "in");
  });

  it("of a day ago are forgotten", async () => {
    for (let n = 0; n < 50; n++) await guess();
    clock.advance(DAY_MS);
    for (let n = 0; n < FREE_ATTEMPTS; n++) assert.equal(await guess(), "INVALID_CREDENTIALS");
  });
});
