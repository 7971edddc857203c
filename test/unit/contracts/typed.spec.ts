/** Wrong names and payloads are compile errors: `tsc` fails when one of the expected errors below is none. */
import assert from "node:assert/strict";
import { send } from "../../../broker/actor/define-actor.ts";
import type { ActionName, MessageType, Returned } from "../../../broker/contract/contract.ts";
import { actionContract, defineContract, messageContract } from "../../../broker/contract/contract.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import "../../../services/contracts.ts";
import { z } from "zod";

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

  it("types results by the contract", () => {
    const status: Returned<"orders.get">["status"] = "paid";
    // @ts-expect-error not a status
    const wrong: Returned<"orders.get">["status"] = "payed";
    assert.notEqual(status as string, wrong as string);
  });
});
