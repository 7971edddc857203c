import { z } from "zod";
import {
  type ActionsOf,
  action,
  command,
  defineContract,
  event,
  type MessagesOf,
  reply,
} from "../../broker/contract/contract.ts";
import { id, line, quantity, sku } from "../../broker/contract/schemas.ts";
import { inventoryErrors } from "./inventory.errors.ts";

export const MAX_UNITS = 1_000_000_000;
const level = z
  .int()
  .min(0)
  .max(MAX_UNITS)
  .meta({ examples: [12] });
const delta = z
  .int()
  .min(-1_000_000)
  .max(1_000_000)
  .refine((it) => it !== 0, "must not be 0")
  .meta({ description: "Units to add; to take where it is negative", examples: [12] });
/** Increases per stock item with each hold. It distinguishes a late message about an old hold from the present one. */
const generation = z.int().min(1);

export const stockView = z
  .strictObject({
    sku,
    onHand: level.meta({ description: "Units in the warehouse" }),
    held: level.meta({ description: "Of these, held for orders that are not paid yet" }),
    available: level.meta({ description: "What is left to be sold" }),
  })
  .meta({
    id: "Stock",
    description: "How much there is of a SKU",
    examples: [{ sku: "LAMP-BRASS-1", onHand: 12, held: 2, available: 10 }],
  });

/** Of two messages about one item, the one with the higher number is the later one. */
const revision = z
  .int()
  .meta({ description: "Counts up each time that the item runs out or is there again", examples: [7] });

const messages = {
  "stock.create": command("stock", "Start a stock item", z.strictObject({ onHand: level })),
  "stock.adjust": command(
    "stock",
    "Change what is on hand",
    z.strictObject({ delta, reason: line(200), by: id.nullable() }),
  ),
  "stock.reserve": command("stock", "Hold units for an order", z.strictObject({ orderId: id, quantity })),
  "stock.reserved": reply(
    "order",
    "The units are held; commit and release must name the generation",
    z.strictObject({ sku, quantity, generation }),
  ),
  "stock.rejected": reply("order", "Not enough units", z.strictObject({ sku, available: level })),
  "stock.commit": command("stock", "The held units are sold", z.strictObject({ orderId: id, generation })),
  "stock.release": command(
    "stock",
    "The held units are free again",
    z.strictObject({ orderId: id, generation }),
  ),
  "stock.restock": command(
    "stock",
    "Sold units are back on hand",
    z.strictObject({ orderId: id, quantity, reason: line(200) }),
  ),
  "stock.moved": event(
    "stock",
    "Units on hand changed, for the ledger",
    z.strictObject({
      delta: z.int().meta({ description: "Units that came; that went where it is negative", examples: [-2] }),
      onHand: level,
      reason: z.string().meta({ examples: ["sold"] }),
      orderId: id.nullable(),
      by: id.nullable(),
    }),
  ),
  "stock.depleted": event("stock", "Nothing is available any more", z.strictObject({ revision })),
  "stock.replenished": event("stock", "Units are available again", z.strictObject({ revision })),
};

export const inventory = defineContract({
  service: "inventory",
  errors: inventoryErrors,
  description: "The units of each SKU: on hand, held for orders, and available.",
  actions: {
    get: action({
      summary: "Stock of one SKU",
      operationId: "getStock",
      rest: "GET /inventory/:sku",
      auth: "public",
      shared: true,
      params: z.strictObject({ sku }),
      returns: stockView,
      errors: ["NOT_FOUND"],
    }),
    create: action({
      summary: "Start to keep stock of a SKU",
      operationId: "createStock",
      rest: "POST /inventory",
      auth: "staff",
      repeatable: "the SKU is taken then",
      status: 201,
      params: z.strictObject({
        sku,
        onHand: level
          .max(1_000_000)
          .default(0)
          .meta({ examples: [12] }),
      }),
      returns: stockView,
      errors: ["SKU_TAKEN"],
    }),
    adjust: action({
      summary: "Add to stock, or take from it",
      description:
        "What is held for orders can't be taken. Without `Idempotency-Key` a request that is sent again counts again.",
      operationId: "adjustStock",
      rest: "POST /inventory/:sku/adjustments",
      auth: "staff",
      idempotent: "optional",
      params: z.strictObject({
        sku,
        delta,
        reason: line(200).meta({ description: "For the ledger", examples: ["Counted"] }),
      }),
      returns: stockView,
      errors: ["NOT_FOUND", "INSUFFICIENT_STOCK", "CONFLICT"],
    }),
    availability: action({
      summary: "Available units of each SKU, in no order; SKUs without stock records are left out",
      readOnly: true,
      params: z.strictObject({ skus: z.array(sku).min(1).max(2_000) }),
      returns: z.array(z.strictObject({ sku, available: level })),
    }),
  },
  messages,
  actors: {
    stock: {
      receives: ["stock.reserve", "stock.commit", "stock.release", "stock.restock"],
      inline: ["stock.create", "stock.adjust"],
    },
  },
  workers: { ledger: { receives: ["stock.moved"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof inventory> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
