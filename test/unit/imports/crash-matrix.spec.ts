/** Imports, killed anywhere: each line of a file is imported once, and counted once. */
import assert from "node:assert/strict";
import { derivedV7 } from "../../../broker/contract/ids.ts";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import { killedBy, shopOf } from "../actor/support/matrix/matrices.ts";

const BASE = "019b76da-a800-7000-8000-000000000001";
const STAFF = {
  id: derivedV7(BASE, "staff"),
  roles: ["customer", "staff"],
  scopes: ["catalogue:read", "catalogue:write", "stock:read", "stock:write"],
} as const;
const FILES = {
  products: "slug,name,sku,price,currency\ncup,Cup,CUP,100,USD\n,Nothing,,1,USD\nmug,Mug,MUG,200,USD\n",
  stock: "sku,onHand\nCOUNTED,7\nCOUNTED,x\n",
};

describe("Imports, killed anywhere", function () {
  this.timeout(120_000);
  crashMatrix({
    shop: shopOf("imports/crash-matrix", ["inventory", "products"]),
    only: killedBy("imports/crash-matrix"),
    async play(run) {
      run.points.armed = true;
      for (const what of ["products", "stock"] as const) {
        const bytes = Buffer.from(FILES[what]);
        const id = derivedV7(BASE, what);
        await run.call("imports.keepPart", { uploadId: id, number: 0, bytes: bytes.toString("base64") });
        const file = { id, type: "text/csv", bytes: bytes.length, parts: 1 };
        await run.call("imports.start", { what, file }, { user: STAFF, idempotencyKey: what });
      }
      await run.rest();
      run.messages.releaseCopies();
      await run.rest();
      return undefined;
    },
    check(state) {
      const found = state["imports.import"] as { state: { status: string; counts: object } }[];
      assert.deepEqual(
        found.map((it) => [it.state.status, it.state.counts]),
        [
          ["completed", { done: 2, created: 1, updated: 0, unchanged: 0, failed: 1 }],
          ["completed", { done: 3, created: 2, updated: 0, unchanged: 0, failed: 1 }],
        ],
      );
      const stock = state["inventory.stock"] as { state: { onHand: number } }[];
      assert.deepEqual(
        stock.map((it) => it.state.onHand),
        [7],
      );
    },
  });
});
