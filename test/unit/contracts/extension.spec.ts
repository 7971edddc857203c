import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename } from "node:path";
import type { ServiceSchema } from "moleculer";
import type { ServiceContract } from "../../../broker/contract/contract.ts";
import { combine, extend, loadServices, serviceNames } from "../../../broker/moleculer/extension.ts";
import { migrationsOf } from "../../../broker/mongo/migrations.ts";
import core from "../../../services/index.ts";

const contract = (service: string): ServiceContract => ({
  service,
  actions: {},
  messages: {},
  actors: {},
  workers: {},
});
const schema = (name: string): ServiceSchema => ({ name });
const loyalty = extend({
  name: "loyalty",
  contracts: [contract("points")],
  services: { points: async () => ({ default: schema("points") }) },
  migrations: { points: [new URL("file:///points/")], orders: [new URL("file:///orders/")] },
});

describe("An extension", () => {
  it("may leave out what it does not have", () => {
    assert.deepEqual(extend({ name: "loyalty" }), {
      name: "loyalty",
      contracts: [],
      services: {},
      migrations: {},
      fields: {},
    });
  });

  it("has a name that can be part of other names", () => {
    for (const name of ["", "Loyalty", "a.b", "$a", "-a"])
      assert.throws(() => extend({ name }), /an extension's name is/);
  });

  it("is put together with the core's list, each service once", async () => {
    const shop = combine(core, loyalty);
    assert.deepEqual(shop.contracts, [...core.contracts, ...loyalty.contracts]);
    assert.deepEqual(serviceNames(shop), [...serviceNames(core), "points"]);
    assert.deepEqual(shop.migrations.orders, [
      ...(core.migrations.orders ?? []),
      { folder: new URL("file:///orders/"), namespace: "loyalty" },
    ]);
    assert.deepEqual(shop.migrations.points, [new URL("file:///points/")]);
    assert.deepEqual(await loadServices(shop, ["points"]), [schema("points")]);
    assert.equal(combine(core).contracts, core.contracts);
  });

  it("does not take another one's name or replace its services", () => {
    assert.throws(() => combine(loyalty, loyalty), /two extensions loyalty/);
    const same = extend({ name: "other", services: loyalty.services });
    assert.throws(() => combine(loyalty, same), /extension other: services: there is points already/);
  });
});

describe("The core's list", () => {
  it("has a service for each contract, and the gateway", async () => {
    assert.deepEqual(serviceNames(core), [...core.contracts.map((it) => it.service), "api"]);
    const loaded = await loadServices(core, serviceNames(core));
    assert.deepEqual(
      loaded.map((it) => it.name),
      serviceNames(core),
    );
  });

  it("has all migrations that are in folders of services", async () => {
    for (const service of serviceNames(core)) {
      const known = (await migrationsOf(core.migrations[service]))
        .map((it) => `${basename(it.name)}.ts`)
        .filter((it) => /^\d/.test(it));
      const files = globSync(`services/${service}/**/migrations/*.ts`).map((it) => basename(it));
      assert.deepEqual(known.sort(), files.sort(), service);
    }
  });

  it("has migrations for actors and idempotency keys that a contract declares, before the service's own", async () => {
    const names = async (service: string) =>
      (await migrationsOf(core.migrations[service])).map((it) => it.name).slice(0, 3);
    assert.deepEqual(await names("inventory"), ["actor-stock", "idempotency-keys", "0001-indexes"]);
    assert.deepEqual(await names("delivery"), ["actor-delivery", "0001-indexes", "0002-by-status"]);
    assert.deepEqual(await names("products"), ["0001-indexes", "0002-search-index", "0003-all-words"]);
  });

  it("refuses a service that there is not", async () => {
    await assert.rejects(
      loadServices(core, ["orders", "ordrs"]),
      /there is no service ordrs; there are audit, cart, /,
    );
  });
});
