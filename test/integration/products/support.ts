/** A catalogue without the other services: stock comes from a table that the test fills. */
import type { ServiceSchema } from "moleculer";
import type { ParamsIn } from "../../../broker/contract/contract.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { productModel } from "../../../services/products/models/product.model.ts";
import products from "../../../services/products/products.service.ts";
import { type ServicesNode, startServices } from "../../support/shop/services-node.ts";

export interface Catalogue extends ServicesNode {
  /** What inventory answers; SKUs that are not in it have no stock record. */
  readonly stock: Map<string, number>;
  /** Makes inventory fail. */
  inventoryAway: boolean;
  readonly inventoryCalls: string[][];
  /** What inventory says in a message. */
  say(type: "stock.depleted" | "stock.replenished", sku: string, revision: number): Promise<void>;
  documents(): ReturnType<typeof productModel.bind>;
}

export async function startCatalogue(env: Record<string, string> = {}): Promise<Catalogue> {
  const stock = new Map<string, number>();
  const inventoryCalls: string[][] = [];
  const state = { inventoryAway: false };
  const inventory: ServiceSchema = {
    name: "inventory",
    actions: {
      availability(ctx) {
        const { skus } = ctx.params as { skus: string[] };
        inventoryCalls.push(skus);
        if (state.inventoryAway) throw new SoukError("UNAVAILABLE");
        return skus.flatMap((sku) => (stock.has(sku) ? [{ sku, available: stock.get(sku) }] : []));
      },
    },
  };
  const node = await startServices([products, inventory], { env });
  return Object.assign(state, node, {
    stock,
    inventoryCalls,
    say: (type: "stock.depleted" | "stock.replenished", sku: string, revision: number) =>
      node.runtime.bus.publish(envelope(type, sku, { revision }, { source: "/inventory", at: Date.now() })),
    documents: () => productModel.bind(node.runtime.database("products")),
  });
}

let made = 0;

/** A product that differs from all others; fields may be given. */
export function aProduct(given: Partial<ParamsIn<"products.create">> = {}): ParamsIn<"products.create"> {
  const number = ++made;
  return {
    name: `Thing ${number}`,
    variants: [{ sku: `SKU-${number}`, price: { amount: 1_000 + number, currency: "USD" } }],
    ...given,
  };
}

/** Fulfils with the registry code of the failure. */
export const failure = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => {
      throw new Error("it should have failed");
    },
    (error: unknown) => {
      const code = errorCode(error);
      if (!code) throw error;
      return code;
    },
  );
