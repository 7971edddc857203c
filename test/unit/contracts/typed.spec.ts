/** Wrong names and payloads are compile errors. `tsc` fails when one of the expected errors below does not occur. */
import assert from "node:assert/strict";
import { z } from "zod";
import { send } from "../../../broker/actor/define-actor.ts";
import type { ActionName, MessageType, ReceivedBy, Returned } from "../../../broker/contract/contract.ts";
import {
  actionContract,
  command,
  defineContract,
  messageContract,
  timer,
} from "../../../broker/contract/contract.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import { orders } from "../../../services/contracts.ts";
import { illTyped } from "../../support/stand-in.ts";

const orderId = "01990000-0000-7000-8000-000000000000";

describe("typed contracts", () => {
  it("call takes known actions with their parameters and gives their result", () => {
    const check = async (call: TypedCall) => {
      const levels = await call("inventory.availability", { skus: ["A-1"] });
      const available: number | undefined = levels[0]?.available;
      // @ts-expect-error no such action
      await call("inventory.avilability", { skus: ["A-1"] });
      // @ts-expect-error skus is a list
      await call("inventory.availability", { skus: "A-1" });
      // @ts-expect-error unknown parameter
      await call("inventory.availability", { skus: ["A-1"], force: true });
      // @ts-expect-error the result has no price
      levels[0]?.price;
      return available;
    };
    assert.equal(typeof check, "function");
  });

  it("send takes known messages with their data", () => {
    assert.equal(send("stock.reserve", "A-1", { orderId, quantity: 1 }).type, "stock.reserve");
    // @ts-expect-error no such message
    send("stock.reverse", "A-1", { orderId, quantity: 1 });
    // @ts-expect-error quantity is a number
    send("stock.reserve", "A-1", { orderId, quantity: "1" });
    // @ts-expect-error the order is missing
    send("stock.reserve", "A-1", { quantity: 1 });
  });

  it("knows every declared name at run time too", () => {
    const action: ActionName = "orders.place";
    const message: MessageType = "order.paid";
    assert.ok(actionContract(action));
    assert.equal(messageContract(message).subject, "order");
    assert.throws(() => messageContract("order.payed"), /no loaded contract/);
  });

  it("refuses a route that does not say who may call it", () => {
    assert.throws(
      () =>
        defineContract({
          service: "careless",
          actions: {
            open: { summary: "", rest: "GET /open", params: z.strictObject({}), returns: z.void() },
          },
          messages: {},
        }),
      /careless\.open has a route but does not declare who may call it/,
    );
  });

  it("refuses a scope on a route that is not of staff", () => {
    const open = {
      summary: "",
      rest: "GET /open",
      auth: "public",
      scope: "lamps:read",
      params: z.strictObject({}),
      returns: z.void(),
    } as const;
    assert.throws(
      () => defineContract({ service: "unscoped", actions: { open }, messages: {} }),
      /unscoped\.open declares a scope, and only routes of staff have one/,
    );
  });

  it("refuses a route of staff without a scope, and a wider scope where staff alone may ask", () => {
    const base = { summary: "", rest: "GET /lamp", params: z.strictObject({}), returns: z.void() } as const;
    const lamps = (watch: object) => () =>
      defineContract({ service: "lamps", actions: { watch: { ...base, ...watch } }, messages: {} });
    assert.throws(lamps({ auth: "staff" }), /lamps\.watch is for staff but does not declare which scope/);
    const second = { auth: "customer", alsoScope: "lamps:read" };
    assert.throws(lamps(second), /lamps\.watch declares a second scope without a first one/);
    const both = { auth: "staff", scope: "lamps:read", widerScope: "lamps:read" };
    assert.throws(lamps(both), /lamps\.watch declares a wider scope, and its route is for staff alone/);
  });

  it("refuses a stream of nothing, and to share what is not everybody's", () => {
    const base = { summary: "", auth: "public", params: z.strictObject({}), returns: z.unknown() } as const;
    const lamps = (watch: object) => () =>
      defineContract({ service: "lamps", actions: { watch: { ...base, ...watch } }, messages: {} });
    const streaming = { rest: "GET /lamp", produces: "text/event-stream" };
    assert.throws(lamps(streaming), /lamps\.watch must have both, an event stream and what it sends/);
    assert.throws(lamps({ stream: { next: "watch", event: "lamp" } }), /lamps\.watch must have both/);
    assert.throws(
      lamps({ ...streaming, stream: { next: "nxt", event: "lamp" } }),
      /lamps\.watch streams what nxt gives, and that is no action of it/,
    );
    for (const wrong of [{ rest: "POST /lamp" }, { rest: "GET /lamp", auth: "customer" }, {}])
      assert.throws(lamps({ ...wrong, shared: true }), /lamps\.watch is shared, but no public GET route/);
  });

  it("takes in an actor's and a worker's lists what some contract declares", () => {
    const empty = z.strictObject({});
    const messages = { "lamp.light": command("lamp", "", empty), "lamp.cool": timer("lamp", "", empty) };
    const lamp = (actors: object, workers: object = {}) =>
      defineContract(illTyped({ service: "lamps", actions: {}, messages, actors, workers }));
    const check = () => {
      const base = { service: "lamps", actions: {}, messages } as const;
      const made = defineContract({
        ...base,
        actors: { lamp: { receives: ["order.paid"], inline: ["lamp.light"] } },
        workers: { clean: { receives: ["order.paid"] } },
      });
      const all: ("lamp.light" | "lamp.cool" | "order.paid")[] = [
        ...made.actors.lamp.receives,
        ...made.actors.lamp.inline,
        ...made.actors.lamp.timers,
      ];
      // @ts-expect-error no such message
      defineContract({ ...base, actors: { lamp: { receives: ["order.payed"] } } });
      // @ts-expect-error no such message
      defineContract({ ...base, actors: { lamp: { receives: [], inline: ["lamp.lite"] } } });
      // @ts-expect-error no such message
      defineContract({ ...base, workers: { clean: { receives: ["order.payed"] } } });
      return all;
    };
    assert.equal(typeof check, "function");
    const twice = { lamp: { receives: ["lamp.light"], inline: ["lamp.light"] } };
    assert.throws(() => lamp(twice), /the actor lamp lists lamp\.light twice; a message is either/);
    assert.throws(
      () => lamp({ lamp: { receives: ["lamp.cool"] } }),
      /lists lamp\.cool, a timer; an actor gets/,
    );
    assert.throws(
      () => lamp({ lamp: { receives: [], inline: ["order.paid"] } }),
      /order\.paid as inline, which is no/,
    );
  });

  it("knows all that an actor receives", () => {
    const known: ReceivedBy<typeof orders, "order">[] = ["order.place", "order.expire", "stock.reserved"];
    // @ts-expect-error stock receives it
    known.push("stock.reserve");
    // @ts-expect-error no such actor
    const none: ReceivedBy<typeof orders, "ordr">[] = [];
    assert.deepEqual(orders.actors.order.timers, ["order.expire"]);
    assert.ok(none);
  });

  it("types results by the contract", () => {
    const status: Returned<"orders.get">["status"] = "paid";
    // @ts-expect-error not a status
    const wrong: Returned<"orders.get">["status"] = "payed";
    assert.notEqual(status as string, wrong as string);
  });
});
