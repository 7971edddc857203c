import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { amqpAddresses } from "../../../broker/bus/amqp/address.ts";
import type { ServiceContract } from "../../../broker/contract/contract.ts";
import { ConfigError, defineConfig, duration, type Variables } from "../../../broker/contract/variables.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { envExample, variableNames } from "../../../scripts/support/docs/env-example.ts";
import "../../../services/contracts.ts";

describe("configuration", () => {
  it("has defaults for everything that development needs", () => {
    const config = loadConfig({});
    assert.equal(config.PORT, 3000);
    assert.equal(config.HOST, "127.0.0.1");
    assert.equal(config.RATE_LIMIT, 300);
    assert.equal(config.ORDER_TTL, 30 * 60_000);
    assert.equal(config.AMQP_URL, undefined);
  });

  it("is typed by what the domains declare", () => {
    const config = loadConfig({});
    const ttl: number = config.ORDER_TTL;
    // @ts-expect-error milliseconds
    const text: string = config.ORDER_TTL;
    // @ts-expect-error no such variable
    assert.equal(config.ORDER_TLL, undefined);
    assert.equal(ttl, text);
    // @ts-expect-error no such variable
    defineConfig({ DOOR_KEY: z.string() }, ["DOR_KEY"]);
  });

  it("has the variables of the given contracts, each declared once", () => {
    const of = (...all: (Variables | undefined)[]): ServiceContract[] =>
      all.map((config, n) => ({
        ...{ service: `s${n}`, actions: {}, messages: {}, actors: {}, workers: {} },
        ...(config && { config }),
      }));
    const door = defineConfig({ DOOR_TTL: duration(2_000) });
    assert.equal(Object.hasOwn(loadConfig({}, []), "ORDER_TTL"), false);
    const read: Record<string, unknown> = { ...loadConfig({ DOOR_TTL: "3s" }, of(undefined, door)) };
    assert.equal(read.DOOR_TTL, 3_000);
    assert.throws(
      () => loadConfig({ DOOR_TTL: "3" }, of(door)),
      /^ConfigError: DOOR_TTL: must be a duration/,
    );
    assert.throws(() => loadConfig({}, of(door, door)), /the variable DOOR_TTL is declared twice/);
    assert.throws(() => loadConfig({}, of(defineConfig({ PORT: z.string() }))), /PORT is declared twice/);
    assert.throws(() => defineConfig({ doorKey: z.string() }), /capitals, digits and _, not doorKey/);
  });

  const bad: [string, Record<string, string>][] = [
    ["PORT", { PORT: "eighty" }],
    ["PORT", { PORT: "70000" }],
    ["AMQP_URL", { AMQP_URL: "localhost:5672" }],
    ["AMQP_URL", { AMQP_URL: "amqp://one,two" }],
    ["AMQP_URL", { AMQP_URL: "amqp://one,amqp://two," }],
    ["AMQP_URL", { AMQP_URL: "amqp://one;amqp://two" }],
    ["AMQP_URL", { AMQP_URL: "amqp://one/shop,amqp://two/other" }],
    ["AMQP_URL", { AMQP_URL: "amqp://one/%ff" }],
    ["TRANSPORTER", { TRANSPORTER: "amqp://" }],
    ["TRANSPORTER", { TRANSPORTER: "foo" }],
    ["TRANSPORTER", { TRANSPORTER: "kafka://one" }],
    ["TRANSPORTER", { TRANSPORTER: "AMQP" }],
    ["REDIS_URL", { REDIS_URL: "localhost:6379" }],
    ["REDIS_URL", { REDIS_URL: "redis://one/carts" }],
    ["REDIS_URL", { REDIS_URL: "redis://one/-1" }],
    ["REDIS_URL", { REDIS_URL: "redis://one/1.5" }],
    ["REDIS_URL", { REDIS_URL: "redis+sentinel://one,two" }],
    ["REDIS_URL", { REDIS_URL: "redis+sentinel://one, two/mymaster" }],
    ["REDIS_URL", { REDIS_URL: "redis+sentinel://one/mymaster/carts" }],
    ["RATE_LIMIT", { RATE_LIMIT: "none" }],
    ["ORDER_TTL", { ORDER_TTL: "half an hour" }],
    ["ACCESS_TOKEN_TTL", { ACCESS_TOKEN_TTL: "1h" }],
    ["BOOTSTRAP_TOKEN", { BOOTSTRAP_TOKEN: "short" }],
    ["LOG_LEVEL", { LOG_LEVEL: "loud" }],
    ["MONGO_URL", { NODE_ENV: "production", AMQP_URL: "amqp://rabbit", REDIS_URL: "redis://redis" }],
    ["MONGO_URL_FILE", { MONGO_URL_FILE: "/nowhere/at/all" }],
  ];
  for (const [name, env] of bad)
    it(`names ${name} in ${JSON.stringify(env)}`, () => {
      assert.throws(
        () => loadConfig(env),
        (error) => error instanceof ConfigError && error.message.startsWith(`${name}: `),
      );
    });

  it("lets a provider take no longer than two of its calls may together", () => {
    assert.equal(loadConfig({ PROVIDER_TIMEOUT: "25s" }).PROVIDER_TIMEOUT, 25_000);
    assert.throws(() => loadConfig({ PROVIDER_TIMEOUT: "26s" }), /PROVIDER_TIMEOUT: must be at most 25s/);
  });

  it("names every bad variable, a line each, and never repeats a secret's value", () => {
    assert.throws(
      () => loadConfig({ PORT: "x", BOOTSTRAP_TOKEN: "hunter2" }),
      (error: Error) => error.message.split("\n").length === 2 && !error.message.includes("hunter2"),
    );
  });

  it("takes several addresses of RabbitMQ, and a transporter's name or address", () => {
    const several = "amqp://one, amqps://me:a%2Cb@two:5671/%2F";
    assert.equal(loadConfig({ AMQP_URL: several }).AMQP_URL, several);
    assert.deepEqual(amqpAddresses(several), ["amqp://one", "amqps://me:a%2Cb@two:5671/%2F"]);
    for (const it of ["AMQP", "NATS", "redis://cache", several])
      assert.equal(loadConfig({ TRANSPORTER: it, AMQP_URL: "amqp://one" }).TRANSPORTER, it);
  });

  it("separates calls, caches and carts as it separates queues, unless told otherwise", () => {
    assert.equal(loadConfig({}).NAMESPACE, "");
    assert.equal(loadConfig({ AMQP_PREFIX: "souk" }).NAMESPACE, "");
    assert.equal(loadConfig({ AMQP_PREFIX: "other" }).NAMESPACE, "other");
    assert.equal(loadConfig({ AMQP_PREFIX: "other", NAMESPACE: "own" }).NAMESPACE, "own");
  });

  it("counts empty values as unset", () => {
    assert.equal(loadConfig({ AMQP_URL: "", PORT: "" }).PORT, 3000);
  });

  it("reads secrets from files, and refuses both ways at once", () => {
    const dir = mkdtempSync(join(tmpdir(), "souk-config-"));
    const file = join(dir, "token");
    writeFileSync(file, "a-token-from-a-file\n");
    assert.equal(loadConfig({ BOOTSTRAP_TOKEN_FILE: file }).BOOTSTRAP_TOKEN, "a-token-from-a-file");
    assert.throws(
      () => loadConfig({ BOOTSTRAP_TOKEN_FILE: file, BOOTSTRAP_TOKEN: "another-token-here" }),
      ConfigError,
    );
    rmSync(dir, { recursive: true });
  });

  it("permits embedded defaults in production only when told", () => {
    assert.throws(() => loadConfig({ NODE_ENV: "production" }), ConfigError);
    assert.equal(loadConfig({ NODE_ENV: "production", ALLOW_EMBEDDED: "1" }).NODE_ENV, "production");
  });
});

describe(".env.example", () => {
  const text = readFileSync(".env.example", "utf8");

  it("is what the schema says (npm run docs renews it)", () => {
    assert.equal(text, envExample());
  });

  it("has every variable, and its defaults are valid", () => {
    const lines = text.split("\n").filter((line) => /^[A-Z_]+=/.test(line));
    const names = text.match(/^(?:# )?([A-Z_]+)=/gm)?.map((it) => it.replace(/^# |=$/g, ""));
    assert.deepEqual(names, variableNames());
    loadConfig(Object.fromEntries(lines.map((line) => line.split("=") as [string, string])));
  });
});
