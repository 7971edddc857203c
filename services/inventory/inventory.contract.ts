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
import { cursor, flag, id, limit, line, page, quantity, sku, time } from "../../broker/contract/schemas.ts";
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

export const stockItemView = stockView
  .extend({
    lowAt: level.nullable().meta({ description: "So few available units are low stock" }),
    low: z.boolean().meta({ description: "Whether it is low" }),
  })
  .meta({
    id: "StockItem",
    description: "Stock as staff see it",
    examples: [{ sku: "LAMP-BRASS-1", onHand: 12, held: 8, available: 4, lowAt: 5, low: true }],
  });
export const movementView = z
  .strictObject({
    id: z.string(),
    delta: z.int().meta({ description: "Units that came; that went where it is negative" }),
    onHand: level.meta({ description: "Units in the warehouse afterwards" }),
    reason: z.string(),
    orderId: id.nullable(),
    by: id.nullable().meta({ description: "Id of the member of staff" }),
    at: time,
  })
  .meta({
    id: "StockMovement",
    description: "A change of the units on hand",
    examples: [
      {
        id: "01941b2e-5c01-7a06-b3c4-91d25e7f8a30",
        delta: -2,
        onHand: 10,
        reason: "sold",
        orderId: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
        by: null,
        at: "2026-11-27T09:31:10.000Z",
      },
    ],
  });

/** Of two messages about one item, the one with the higher number is the later one. */
const revision = z
  .int()
  .meta({ description: "Counts up each time that the item runs out or is there again", examples: [7] });

/** Stock of a file. What is left out stays as it is. */
export const stockImport = z
  .strictObject({
    sku,
    onHand: level
      .max(1_000_000)
      .optional()
      .meta({ description: "Units in the warehouse", examples: [12] }),
    lowAt: level.max(1_000_000).nullable().optional().meta({ description: "So few available units are low" }),
  })
  .meta({ id: "StockImport", description: "Stock of a SKU in a file that is imported" });
export type StockImport = z.output<typeof stockImport>;
const stockImportResult = z.strictObject({
  line: z.int(),
  outcome: z.enum(["created", "updated", "unchanged", "failed"]),
  errors: z.array(z.strictObject({ field: z.string(), message: z.string() })),
});
export type StockImportResult = z.output<typeof stockImportResult>;

const messages = {
  "stock.create": command("stock", "Start a stock item", z.strictObject({ onHand: level })),
  "stock.adjust": command(
    "stock",
    "Change what is on hand",
    z.strictObject({ delta, reason: line(200), by: id.nullable() }),
  ),
  "stock.count": command(
    "stock",
    "Set what is on hand, and from when on it is low, as a file says",
    z.strictObject({
      onHand: level.optional().meta({ description: "What was counted; as before where it is left out" }),
      lowAt: level.nullable().optional(),
      key: z
        .string()
        .max(100)
        .meta({ description: "Of the file's record", examples: ["17"] }),
      by: id.nullable(),
    }),
  ),
  "stock.configure": command(
    "stock",
    "Say from when on it is low",
    z.strictObject({ lowAt: level.nullable() }),
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
  "stock.low": event(
    "stock",
    "As few units are available as `lowAt` says, or fewer. Sent again only after there were more",
    z.strictObject({ available: level, lowAt: level }),
  ),
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
    list: action({
      summary: "All stock, in the order of SKUs",
      operationId: "listStock",
      rest: "GET /inventory",
      auth: "staff",
      scope: "stock:read",
      params: z.strictObject({
        q: sku.optional().meta({ description: "How the SKUs begin", examples: ["LAMP"] }),
        low: flag.optional().meta({ description: "Only what is low, or only what is not" }),
        limit,
        cursor,
      }),
      returns: page(stockItemView),
    }),
    movements: action({
      summary: "How the units on hand of one SKU changed, the latest first",
      operationId: "listStockMovements",
      rest: "GET /inventory/:sku/movements",
      auth: "staff",
      scope: "stock:read",
      params: z.strictObject({ sku, limit, cursor }),
      returns: page(movementView),
      errors: ["NOT_FOUND"],
    }),
    configure: action({
      summary: "Say from when on stock is low",
      description: "The event `stock.low` is sent once each time that it falls so low.",
      operationId: "configureStock",
      rest: "PATCH /inventory/:sku",
      auth: "staff",
      scope: "stock:write",
      params: z.strictObject({
        sku,
        lowAt: level
          .max(1_000_000)
          .nullable()
          .meta({ description: "Units that are low; null where nobody wants to know", examples: [5] }),
      }),
      returns: stockItemView,
      errors: ["NOT_FOUND"],
    }),
    create: action({
      summary: "Start to keep stock of a SKU",
      operationId: "createStock",
      rest: "POST /inventory",
      auth: "staff",
      scope: "stock:write",
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
      scope: "stock:write",
      idempotent: "optional",
      params: z.strictObject({
        sku,
        delta,
        reason: line(200).meta({ description: "For the ledger", examples: ["Counted"] }),
      }),
      returns: stockView,
      errors: ["NOT_FOUND", "INSUFFICIENT_STOCK", "CONFLICT"],
    }),
    importMany: action({
      summary: "Set the stock of SKUs as a file says, each once",
      params: z.strictObject({
        job: id.meta({
          description: "Id of the import. With the line, it makes a repeated write count once",
        }),
        dryRun: z.boolean(),
        by: id.nullable(),
        items: z
          .array(z.strictObject({ line: z.int().min(0), stock: stockImport }))
          .min(1)
          .max(200),
      }),
      returns: z.array(stockImportResult),
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
      inline: ["stock.create", "stock.adjust", "stock.configure", "stock.count"],
    },
  },
  workers: { ledger: { receives: ["stock.moved"] } },
});

declare module "../../broker/contract/contract.ts" {
  interface Actions extends ActionsOf<typeof inventory> {}
  interface Messages extends MessagesOf<typeof messages> {}
}
