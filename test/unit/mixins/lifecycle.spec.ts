/** In which order a service and its mixins are created, started and stopped; with a Moleculer broker of its own. */
import assert from "node:assert/strict";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { defineContract } from "../../../broker/contract/contract.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { defineService } from "../../../broker/moleculer/define-service.ts";
import { consumesMessages, defineMixin } from "../../../broker/moleculer/mixin.ts";
import type { NodeRuntime } from "../../../broker/moleculer/runtime.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";

const contract = defineContract({ service: "lifecycle", actions: {}, messages: {} });
const done: string[] = [];
const log = (what: string) => void done.push(what);
const setup = () => {
  log("setup");
  return {};
};

const resource = (name: string) =>
  defineMixin<Record<string, string>>({
    created() {
      this[name] = `${name} of ${this.broker.nodeID}`;
      log(`${name} created`);
    },
    async started() {
      await new Promise((resolve) => setTimeout(resolve, 2));
      log(`${name} started`);
    },
    stopped: () => log(`${name} stopped`),
  });

const consumer = (turn: "actors" | "workers") =>
  defineMixin({
    merged: consumesMessages(turn, {
      async started() {
        await new Promise((resolve) => setTimeout(resolve, 2));
        log(`${turn} started`);
      },
      stopped: () => log(`${turn} stopped`),
    }),
  });

const own = { started: () => log("service started"), stopped: () => log("service stopped") };

describe("a service's life", () => {
  const brokers: ServiceBroker[] = [];
  const start = async (schema: ServiceSchema, nodeID = "one") => {
    const broker = new ServiceBroker({ logger: false, nodeID });
    broker.souk = { config: loadConfig({ NODE_ENV: "test" }), clock: systemClock } as NodeRuntime;
    brokers.push(broker);
    const service = broker.createService(schema);
    await broker.start();
    return service;
  };
  beforeEach(() => done.splice(0));
  afterEach(() => Promise.all(brokers.splice(0).map((it) => it.stop())));

  const expected = [
    ["first created", "second created", "setup"],
    ["first started", "second started", "service started", "actors started", "workers started"],
    ["workers stopped", "actors stopped", "service stopped", "second stopped", "first stopped"],
  ].flat();

  it("takes messages after its own start until before its own stop, whatever the order of its mixins", async () => {
    for (const mixins of [
      [resource("first"), resource("second"), consumer("actors"), consumer("workers")],
      [consumer("workers"), resource("first"), consumer("actors"), resource("second")],
    ]) {
      const { broker } = await start(defineService(contract, { mixins, actions: {}, ...own, setup }));
      await broker.stop();
      assert.deepEqual(done.splice(0), expected);
    }
  });

  it("has the same order in a plain Moleculer service, which applies its last mixin first", async () => {
    const mixins = [consumer("workers"), resource("second"), consumer("actors"), resource("first")];
    const { broker } = await start({ name: "plain", mixins, created: setup, ...own });
    await broker.stop();
    assert.deepEqual(done, expected);
  });

  it("belongs to an instance: one schema serves several brokers", async () => {
    const schema = defineService(contract, {
      mixins: [resource("first")],
      setup: ({ broker }) => ({ node: broker.nodeID }),
      actions: {},
    });
    const [one, two] = [await start(schema, "one"), await start(schema, "two")];
    assert.deepEqual(
      [one?.node, one?.first, two?.node, two?.first],
      ["one", "first of one", "two", "first of two"],
    );
  });

  it("ends before it begins where its parts would replace what is there", async () => {
    for (const name of ["logger", "config", "first"])
      await assert.rejects(
        start(
          defineService(contract, {
            mixins: [resource("first")],
            setup: () => ({ [name]: 1 }),
            actions: {},
          }),
        ),
        { message: `lifecycle: setup would replace this.${name}` },
      );
  });
});
