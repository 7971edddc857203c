import assert from "node:assert/strict";
import fc from "fast-check";
import { Errors } from "moleculer";
import { MongoNetworkError, MongoServerError } from "mongodb";
import { BusUnavailableError, UnroutableError } from "../../../broker/bus/bus.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import "../../../services/contracts.ts";
import {
  Attempts,
  attempt,
  backoff,
  isTransient,
  MAX_DELAY_MS,
  MAX_TRIES,
  toError,
} from "../../../broker/resilience/retry.ts";

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const coded = (code: string) => Object.assign(new Error(code), { code });

describe("The delay before the next try", () => {
  it("doubles with each failure up to the cap, half of it by chance", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), unit, (failures, random) => {
        const full = Math.min(MAX_DELAY_MS, 100 * 2 ** (failures - 1));
        const delay = backoff(failures, MAX_DELAY_MS, () => random);
        assert.ok(delay >= full / 2 && delay <= full, `${delay} of ${full}`);
      }),
    );
  });
});

describe("A failure", () => {
  const passing: [string, unknown][] = [
    ["the bus away", new BusUnavailableError("away")],
    ["an answer that no queue takes yet", new UnroutableError("none")],
    ["503", new SoukError("UNAVAILABLE")],
    ["a registry error that says it is worth repeating", new SoukError("PROVIDER_FAILED")],
    ["a call that timed out", new Errors.RequestTimeoutError({ action: "a", nodeID: "n" })],
    ["a service that is not there", new Errors.ServiceNotFoundError({ action: "a", nodeID: "n" })],
    ["a lost connection to MongoDB", new MongoNetworkError("gone")],
    ["an election", new MongoServerError({ message: "not primary", code: 10107 })],
    ["a refused connection", coded("ECONNREFUSED")],
    ["a failed fetch", new TypeError("fetch failed", { cause: coded("ECONNRESET") })],
    ["an aggregate of refused addresses", new AggregateError([coded("ECONNREFUSED")])],
    ["AbortSignal.timeout", new DOMException("timed out", "TimeoutError")],
    ["a loading Redis", Object.assign(new Error("LOADING Redis is loading"), { name: "ReplyError" })],
    [
      "mongoose that gave up waiting",
      named("MongooseError", "Operation `a.b()` buffering timed out after 1ms"),
    ],
    ["a retryable error from another node", remote("UNAVAILABLE")],
  ];
  for (const [what, error] of passing)
    it(`by ${what} passes`, () => {
      assert.equal(isTransient(error), true);
    });

  const own: [string, unknown][] = [
    ["a bug", new TypeError("undefined is not a function")],
    ["a refusal", new SoukError("INSUFFICIENT_STOCK")],
    ["a validation", new Errors.ValidationError("bad")],
    ["a duplicate key", new MongoServerError({ message: "E11000", code: 11000 })],
    ["a refusal from another node", remote("NOT_FOUND")],
    ["a thrown string", "boom"],
    ["undefined", undefined],
    ["null", null],
    ["a registry refusal with a network cause", withCause(new SoukError("CONFLICT"), coded("ECONNRESET"))],
    ["a cause that is itself", circular()],
  ];
  for (const [what, error] of own)
    it(`by ${what} is the handler's own`, () => {
      assert.equal(isTransient(error), false);
    });

  it("of any shape can be judged", () => {
    fc.assert(fc.property(fc.anything(), (thrown) => typeof isTransient(thrown) === "boolean"));
    fc.assert(fc.property(fc.anything(), (thrown) => toError(thrown) instanceof Error));
  });
});

describe("The retry policy", () => {
  it("gives up exactly at the fifth failure in a message's own cause, however many passing ones come between", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (causes) => {
        const attempts = new Attempts();
        let ownFailures = 0;
        for (const [at, passes] of causes.entries()) {
          const verdict = attempts.failed(passes ? coded("ECONNRESET") : new Error("own"));
          if (!passes) ownFailures++;
          assert.equal(attempts.failures, at + 1);
          assert.equal(verdict.dead, ownFailures >= MAX_TRIES);
          if (verdict.dead) return;
          assert.ok(verdict.delay > 0 && verdict.delay <= MAX_DELAY_MS);
        }
      }),
    );
  });

  it("stops between two tries when told to", async () => {
    const stop = new AbortController();
    let runs = 0;
    const outcome = await attempt(
      async () => {
        runs++;
        throw coded("ECONNREFUSED");
      },
      stop.signal,
      () => stop.abort(),
    );
    assert.deepEqual(outcome, { kind: "abandoned" });
    assert.equal(runs, 1);
  });

  it("hands back the last error and the number of tries", async () => {
    let runs = 0;
    const outcome = await attempt(
      () => {
        throw new RangeError(`run ${++runs}`);
      },
      new AbortController().signal,
      () => undefined,
    );
    assert.ok(outcome.kind === "dead");
    assert.equal(outcome.error.message, "run 5");
    assert.equal(outcome.attempts, 5);
  });
});

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

function withCause(error: Error, cause: Error): Error {
  error.cause = cause;
  return error;
}

function circular(): Error {
  const error = new Error("round");
  error.cause = error;
  return error;
}

/** As Moleculer rebuilds an error of another node: a plain MoleculerError with the registry code as its type. */
function remote(type: string): Error {
  return new Errors.MoleculerError("from afar", 500, type, {});
}
