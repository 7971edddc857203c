import assert from "node:assert/strict";
import fc from "fast-check";
import {
  keepPasswords,
  keepSecret,
  oneLine,
  redact,
  redactedReason,
} from "../../../broker/contract/secrets/redact.ts";

describe("What is printed", () => {
  const examples: [string, string][] = [
    ["amqp://souk:pass@one:5672/shop", "amqp://souk:***@one:5672/shop"],
    ["amqp://a:b@one, amqps://c:d%2Ce@two:5671/%2F", "amqp://a:***@one, amqps://c:***@two:5671/%2F"],
    ["amqp://a:b@one,amqp://c:d@two", "amqp://a:***@one,amqp://c:***@two"],
    ["amqp://a:b@[::1]:5672", "amqp://a:***@[::1]:5672"],
    ["amqp://[::1]:5672/x@y", "amqp://[::1]:5672/x@y"],
    ["redis://:pass@cache/1", "redis://:***@cache/1"],
    [
      "mongodb://u:p:q@a:27017,b:27018/?authSource=admin",
      "mongodb://u:***@a:27017,b:27018/?authSource=admin",
    ],
    ["mongodb+srv://u@a.example/?retryWrites=true", "mongodb+srv://u@a.example/?retryWrites=true"],
    [
      "mongodb://a/?tls=true&tlsCertificateKeyFilePassword=pw&x=1",
      "mongodb://a/?tls=true&tlsCertificateKeyFilePassword=***&x=1",
    ],
    ["nats://a-token@bus:4222", "nats://***@bus:4222"],
    ["at amqp://u:p/w@host/v (again)", "at amqp://u:***@host/v (again)"],
    ['{"url":"amqp://u:p@h","mail":"me@x.example"}', '{"url":"amqp://u:***@h","mail":"me@x.example"}'],
    ["GET /orders/1/events?ticket=abc&after=2", "GET /orders/1/events?ticket=***&after=2"],
    ["http://127.0.0.1:3000/a@b?c=d", "http://127.0.0.1:3000/a@b?c=d"],
    ["nothing to hide: a=b", "nothing to hide: a=b"],
  ];
  for (const [text, clean] of examples)
    it(`is ${clean}`, () => {
      assert.equal(redact(text), clean);
      assert.equal(redact(clean), clean);
    });

  /** Anything that percent-encoding lets into an address, and some that it should not but people write. */
  const password = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .filter((it) => it.trim() !== "");
  const scheme = fc.constantFrom("amqp", "amqps", "mongodb", "mongodb+srv", "redis", "rediss", "nats");
  const host = fc.constantFrom("h", "10.0.0.1:5672", "[::1]:5672", "a.example:1,b.example:2/db?authSource=x");

  it("never has an encoded password of an address, whatever it is", () => {
    fc.assert(
      fc.property(scheme, fc.array(fc.tuple(password, host), { minLength: 1, maxLength: 4 }), (name, all) => {
        const address = (pass: string, at: string) => `${name}://user:${encodeURIComponent(pass)}@${at}`;
        const text = `can't reach ${all.map(([pass, at]) => address(pass, at)).join(",")}: refused`;
        const expected = all.map(([, at]) => `${name}://user:***@${at}`).join(",");
        assert.equal(redact(text), `can't reach ${expected}: refused`);
      }),
    );
  });

  it("has no value that is known to be secret, in whatever form", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), (secret) => {
        if (secret.trim().length < 6) return;
        keepSecret(secret);
        for (const form of [
          secret.trim(),
          encodeURIComponent(secret.trim()),
          JSON.stringify(secret.trim()).slice(1, -1),
        ])
          assert.ok(!redact(`AUTH default ${form} failed`).includes(form), form);
      }),
    );
  });

  it("has no password that stood in an address, when somebody prints it alone", () => {
    keepPasswords("amqp://souk:k%C3%A4se+%2Fbrot@one,amqp://souk:zwei-kaese@two");
    assert.equal(
      redact("refused käse+/brot and k%C3%A4se+%2Fbrot and zwei-kaese"),
      "refused *** and *** and ***",
    );
  });

  // Quadratic time would be 256 times as much; garbage collection makes it more than 16.
  it("takes linear time", () => {
    const timeOf = (text: string) => {
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5; run++) {
        const from = performance.now();
        redact(text);
        best = Math.min(best, performance.now() - from);
      }
      return Math.max(best, 0.05);
    };
    for (const part of ["a", "://", "a://b:c", "a://b:c@", "?password", "&token&", "a:/", "@", ":@/"]) {
      const [small, large] = [timeOf(part.repeat(8_000)), timeOf(part.repeat(128_000))];
      assert.ok(large < small * 128, `${part}: ${small} ms, then ${large} ms for sixteen times as much`);
    }
  });

  it("is one line of reasons, through causes and attempts", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:5672"), { code: "ECONNREFUSED" });
    const both = new AggregateError([refused, new Error("no\r\nroute")], "");
    const error = new Error("can't connect to amqp://u:pw@h", { cause: both });
    assert.equal(
      redactedReason(error),
      "can't connect to amqp://u:***@h: connect ECONNREFUSED ::1:5672, no  route",
    );
    assert.equal(redactedReason("text"), "text");
    assert.equal(oneLine("a\u001b[31mb\u2028c\nd"), "a\\u001b[31mb\\u2028c d");
  });
});
