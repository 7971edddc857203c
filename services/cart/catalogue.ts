/** Asks products and inventory about a cart's SKUs, concurrently. */
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import type { Catalogue } from "./cart-view.ts";

/** A request's context. */
export interface Caller {
  call: TypedCall;
}

export async function lookUp(ctx: Caller, skus: readonly string[]): Promise<Catalogue> {
  if (skus.length === 0) return { variants: [], available: [] };
  const [variants, available] = await Promise.all([
    ctx.call("products.variants", { skus: [...skus] }),
    ctx.call("inventory.availability", { skus: [...skus] }),
  ]);
  return { variants, available };
}

export const mergeCatalogues = (a: Catalogue, b: Catalogue): Catalogue => ({
  variants: [...a.variants, ...b.variants],
  available: [...a.available, ...b.available],
});
