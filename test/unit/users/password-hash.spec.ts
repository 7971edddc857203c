import assert from "node:assert/strict";
import fc from "fast-check";
import { errorCode } from "../../../broker/contract/errors.ts";
import {
  createPasswordHasher,
  formatPhc,
  isOutdated,
  PARAMETERS,
  parsePhc,
} from "../../../services/users/credentials/hash-password.ts";

const cheap = { memory: 64, passes: 1, parallelism: 1 };
const parameters = fc.record({
  memory: fc.integer({ min: 8, max: 10_000_000 }),
  passes: fc.integer({ min: 1, max: 100 }),
  parallelism: fc.integer({ min: 1, max: 16 }),
});
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((it) => Buffer.from(it));

describe("password hashes", () => {
  it("go through the PHC form unchanged", () => {
    fc.assert(
      fc.property(parameters, bytes(16), bytes(32), (given, salt, hash) => {
        const whole = { ...given, salt, hash };
        assert.deepEqual(parsePhc(formatPhc(whole)), whole);
      }),
    );
  });

  it("are refused when they are anything else", () => {
    for (const text of ["", "$2b$12$abc", "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "plain"])
      assert.throws(() => parsePhc(text), /PHC/);
  });

  it("are outdated exactly when a parameter is below the wanted one", () => {
    fc.assert(
      fc.property(parameters, bytes(16), bytes(32), (given, salt, hash) => {
        const weaker =
          given.memory < PARAMETERS.memory ||
          given.passes < PARAMETERS.passes ||
          given.parallelism < PARAMETERS.parallelism;
        assert.equal(isOutdated(formatPhc({ ...given, salt, hash })), weaker);
      }),
    );
  });

  it("meet OWASP's minimum for argon2id", () => {
    assert.ok(PARAMETERS.memory >= 19_456 && PARAMETERS.passes >= 2 && PARAMETERS.parallelism >= 1);
  });

  it("differ for one password, and each verifies it and no other", async () => {
    const hasher = createPasswordHasher({ parameters: cheap });
    const [a, b] = await Promise.all([hasher.hash("pässword"), hasher.hash("pässword")]);
    assert.notEqual(a, b);
    for (const phc of [a, b]) {
      assert.equal(await hasher.verify("pässword", phc), true);
      assert.equal(await hasher.verify("pässword".normalize("NFD"), phc), true);
      assert.equal(await hasher.verify("password", phc), false);
    }
  });

  it("cost one run of argon2 each to verify, also where there is none", async () => {
    const hasher = createPasswordHasher({ parameters: cheap });
    assert.equal(await hasher.verify("anything", undefined), false);
    assert.equal(hasher.runs, 1);
  });

  it("are made a few at a time; when too many wait, the rest is turned away and the others are done", async () => {
    const hasher = createPasswordHasher({ parameters: cheap, concurrency: 2, queue: 3 });
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => hasher.hash("x")));
    const refused = results.flatMap((it) => (it.status === "rejected" ? [errorCode(it.reason)] : []));
    assert.deepEqual(refused, Array(5).fill("OVERLOADED"));
    assert.equal(hasher.runs, 5);
    assert.ok(await hasher.hash("x"), "slots are free again");
  });
});
